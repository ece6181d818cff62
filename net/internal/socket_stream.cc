#include "weir/net/internal/socket_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace weir::net::internal {

using weir::internal::descriptor;

ssize_t socket_stream::read_now(int fd, const iovec* into, int count) noexcept {
  // MSG_DONTWAIT: one that was adopted (pipe.h) may be shared with a process that wants it blocking.
  if (count == 1) return recv(fd, into->iov_base, into->iov_len, MSG_DONTWAIT);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(into);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return recvmsg(fd, &message, MSG_DONTWAIT);
}

ssize_t socket_stream::write_now(int fd, const iovec* from, int count) noexcept {
  if (count == 1) return send(fd, from->iov_base, from->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool socket_stream::is_torn(int fd) const noexcept {
  // Without a FIN of ours only a reset leads to CLOSE. After one, nobody but reads is told of a reset.
  if (over_ != transport::tcp || is_finished()) return false;
  tcp_info info{};
  socklen_t size = sizeof info;
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

io_result socket_stream::finish(deadline) {
  const descriptor::loan use(fd());
  if (!use) return {io_status::closed, 0, 0};
  if (is_finished()) return {};
  finished();
  if (::shutdown(use.fd(), SHUT_WR) == 0) return {};
  if (errno == ENOTCONN) return failed("shutdown", ECONNRESET);  // the connection is gone
  return failed("shutdown", errno);
}

void socket_stream::linger_no_more() noexcept {
  const descriptor::loan use(fd());
  if (!use) return;
  const linger none{1, 0};
  setsockopt(use.fd(), SOL_SOCKET, SO_LINGER, &none, sizeof none);  // cannot fail on a socket
}

descriptor watch_socket(owned_fd fd, transport over) {
  // A read of a Unix socket may end short where a descriptor was passed, with more behind it.
  descriptor made(fd.get(), over == transport::tcp ? descriptor::kind::bytes : descriptor::kind::records);
  fd.release();
  return made;
}

socket_stream* make_socket_stream(owned_fd fd, transport over, const address& peer) {
  return new socket_stream(watch_socket(std::move(fd), over), over, peer);
}

}  // namespace weir::net::internal
