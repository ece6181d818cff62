#include "weir/net/pipe.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/internal/owned_fd.h"
#include "weir/net/internal/pipe_stream.h"
#include "weir/net/internal/socket_stream.h"

namespace weir::net {
namespace internal {
namespace {

using weir::internal::descriptor;

// Whether epoll takes it: of devices only the driver knows (a terminal yes, /dev/null no).
bool can_be_watched(int fd, const std::string& name) {
  const owned_fd set(epoll_create1(EPOLL_CLOEXEC));
  if (!set) throw_errno("epoll_create1", name);
  epoll_event none{};
  return epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &none) == 0 || errno != EPERM;
}

sort sort_of(int fd, const struct stat& about, const std::string& name) {
  if (S_ISREG(about.st_mode) || S_ISBLK(about.st_mode) || S_ISDIR(about.st_mode)) return sort::file;
  if (S_ISFIFO(about.st_mode)) return sort::watched;
  return can_be_watched(fd, name) ? sort::watched : sort::instant;
}

void make_non_blocking(int fd, const std::string& name) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)) throw_errno("fcntl", name);
}

stream make_stream(owned_fd fd, const struct stat& about, std::string name) {
  if (S_ISSOCK(about.st_mode)) {
    address peer;
    try {
      peer = address::of_peer(fd.get());
    } catch (const error&) {  // datagrams, and a connection that is gone: the first call tells
    }
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size);  // cannot fail on a socket
    const transport over = peer.is_ip() && type == SOCK_STREAM ? transport::tcp : transport::local;
    return stream(make_socket_stream(std::move(fd), over, peer));
  }
  const sort s = sort_of(fd.get(), about, name);
  if (s != sort::watched) return stream(new file_stream(std::move(fd), std::move(name), s));
  make_non_blocking(fd.get(), name);
  const bool only_written = S_ISFIFO(about.st_mode) && (fcntl(fd.get(), F_GETFL) & O_ACCMODE) == O_WRONLY;
  // Of a pipe that is read only its writer knows whether it has packets (O_DIRECT), and may change his mind.
  descriptor watched(fd.get(), only_written ? descriptor::kind::bytes : descriptor::kind::records);
  fd.release();
  return stream(new pipe_stream(std::move(watched), std::move(name), only_written));
}

// One of 0, 1, 2: opened anew, so that what is set on it is set for nobody else. A file's position is shared with
// whoever gave it to us, as the shell's `(a; b) > file` needs; nothing has to be set on it. A socket cannot be opened;
// a pipe or terminal of another user may not be: then its calls go to the pool, once it is ready.
stream make_standard(int fd, int flags, const char* name) {
  struct stat about {};
  if (fstat(fd, &about) != 0) throw_errno("fstat", name);
  const sort s = S_ISSOCK(about.st_mode) ? sort::instant : sort_of(fd, about, name);
  if (s == sort::watched) {
    owned_fd own(open(fmt::format("/proc/self/fd/{}", fd).c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (own) return make_stream(std::move(own), about, name);
  }
  owned_fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) throw_errno("dup", name);
  if (S_ISSOCK(about.st_mode)) return make_stream(std::move(copy), about, name);
  return stream(new file_stream(std::move(copy), name, s));
}

}  // namespace
}  // namespace internal

pipe_ends make_pipe() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) throw_errno("pipe", "");
  internal::owned_fd reader(ends[0]), writer(ends[1]);
  stream r = adopt(reader.release(), fmt::format("pipe (descriptor {})", ends[0]));
  return {std::move(r), adopt(writer.release(), fmt::format("pipe (descriptor {})", ends[1]))};
}

// Never destroyed, as others may still write while the program ends.
stream standard_input() {
  static const stream& the_one = *new stream(internal::make_standard(STDIN_FILENO, O_RDONLY, "stdin"));
  return the_one.share();
}
stream standard_output() {
  static const stream& the_one = *new stream(internal::make_standard(STDOUT_FILENO, O_WRONLY, "stdout"));
  return the_one.share();
}
stream standard_error() {
  static const stream& the_one = *new stream(internal::make_standard(STDERR_FILENO, O_WRONLY, "stderr"));
  return the_one.share();
}

stream adopt(int fd, std::string name) {
  internal::owned_fd own(fd);
  struct stat about {};
  if (fstat(fd, &about) != 0) throw_errno("fstat", std::move(name));
  return internal::make_stream(std::move(own), about, std::move(name));
}

}  // namespace weir::net
