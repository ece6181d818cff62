#include "weir/net/internal/socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "weir/net/error.h"
#include "weir/net/internal/as_net_error.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/sync/internal/waiting.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::internal {
namespace {

using weir::internal::descriptor;
using weir::internal::direction;
using weir::internal::wait_result;

// Whether the connect that is under way has come to its end: 0 if it stands, EINPROGRESS if not, else why it failed.
int how_connect_stands(int fd) noexcept {
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
  if (code != 0) return code;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0) return 0;
  return errno == ENOTCONN ? EINPROGRESS : errno;
}

int begin_connect(int fd, const address& to) noexcept { return connect(fd, to.data(), to.size()) == 0 ? 0 : errno; }

}  // namespace

owned_fd open_socket(int family, int type, const char* operation, const std::string& name) {
  owned_fd made(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) throw_errno(operation, name);
  return made;
}

void set_option(int fd, int level, int option, const void* value, std::size_t size, const std::string& name) {
  if (setsockopt(fd, level, option, value, static_cast<socklen_t>(size)) != 0) throw_errno("setsockopt", name);
}

void bind_socket(int fd, const address& at, const std::string& name) {
  if (bind(fd, at.data(), at.size()) != 0) throw_errno("bind", name);
}

void connect_socket(const descriptor& fd, const address& to, const std::string& name, deadline limit) {
  using namespace std::chrono_literals;
  const weir::internal::wait_for why("connect", [&name] { return name; });
  descriptor::operation op(fd, direction::write, "connect", {});
  bool begun = false;
  auto pause = 1ms;
  while (op) {
    if (op.may_try()) {
      const int code = begun ? how_connect_stands(op.fd()) : begin_connect(op.fd(), to);
      switch (code) {
        case 0:
          return;
        case EINTR:  // it goes on without us
        case EINPROGRESS:
        case EALREADY:
          begun = true;
          op.would_block();
          break;
        case EAGAIN:  // a Unix listener whose backlog is full: the kernel tells nobody when it has room
          if (limit.expired()) throw error(errc::timeout, "connect", name);
          this_actor::sleep(std::min<deadline>(limit, pause));
          if (this_actor::cancel_requested()) throw error(errc::closed, "connect", name);  // it unwinds: no sleep waits
          pause = std::min(pause * 2, 50ms);
          continue;
        default:
          throw error(code, "connect", name);
      }
    }
    switch (as_net_error(why, [&] { return op.wait(why, limit); })) {
      case wait_result::ready:
        continue;
      case wait_result::timeout:
        throw error(errc::timeout, "connect", name);
      case wait_result::cancelled:
        weir::internal::meet_cancel("connect");
        throw error(errc::closed, "connect", name);
      case wait_result::closed:
        break;
    }
  }
  throw error(errc::closed, "connect", name);
}

}  // namespace weir::net::internal
