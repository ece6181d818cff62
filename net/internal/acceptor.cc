#include "weir/net/internal/acceptor.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "weir/net/error.h"
#include "weir/net/internal/as_net_error.h"
#include "weir/net/internal/socket.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/sync/internal/waiting.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::internal {
namespace {

using namespace std::chrono_literals;
using weir::internal::descriptor;
using weir::internal::wait_result;

constexpr auto shortest_pause = 1ms;
constexpr auto longest_pause = 100ms;

descriptor watch_listener(owned_fd fd) {
  descriptor made(fd.get(), descriptor::kind::records, descriptor::users::many);
  fd.release();
  return made;
}

// There is no descriptor or memory, and there may be some in a moment. ENOSPC: none to watch one more descriptor
// (epoll_ctl(2)).
bool is_shortage(int code) noexcept {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM || code == ENOSPC;
}

}  // namespace

acceptor::acceptor(owned_fd fd, transport over) : over_(over), at_(address::of_socket(fd.get())) {
  fd_ = watch_listener(std::move(fd));
}

acceptor::tried acceptor::try_once(int fd, owned_fd& made, address& from) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  made = owned_fd(accept4(fd, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (made) {
    from = address(reinterpret_cast<const sockaddr*>(&peer), size);
    accepted_.fetch_add(1, std::memory_order_relaxed);
    starved_in_a_row_.store(0, std::memory_order_relaxed);
    return tried::accepted;
  }
  if (is_shortage(errno)) {
    starved_.fetch_add(1, std::memory_order_relaxed);
    return tried::starved;
  }
  switch (errno) {
    case EAGAIN:
      return tried::nobody;
    case EINTR:
      return tried::again;
    // accept(2): errors of the connection that was to be accepted. It is gone, the others are not.
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EOPNOTSUPP:
    case EPERM:
      aborted_.fetch_add(1, std::memory_order_relaxed);
      return tried::again;
    default:
      throw_errno("accept", name());
  }
}

template <class Watch>
bool acceptor::unless_starved(const weir::internal::wait_reason& why, Watch watch) {
  try {
    as_net_error(why, watch);
    return true;
  } catch (const error& e) {
    if (!is_shortage(e.code().value())) throw;
  }
  starved_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

deadline acceptor::pause() noexcept {
  const unsigned before = std::min(starved_in_a_row_.load(std::memory_order_relaxed), 10U);
  starved_in_a_row_.store(before + 1, std::memory_order_relaxed);
  return std::min<std::chrono::milliseconds>(shortest_pause * (1 << before), longest_pause);
}

recv_status acceptor::accept(owned_fd& made, address& from, deadline limit) {
  const weir::internal::wait_for why("accept", [this] { return name(); });
  descriptor::operation op(fd_, direction::read, "accept", {});
  bool has_tried = false;
  while (op) {
    bool starving = false;
    if (op.may_try() || (!has_tried && limit.expired())) {  // as fd_stream.cc
      has_tried = true;
      switch (try_once(op.fd(), made, from)) {
        case tried::accepted:
          return recv_status::ok;
        case tried::again:
          if (limit.expired()) return recv_status::timeout;  // else a storm of bad ones would keep us past it
          continue;
        case tried::starved:
          starving = true;
          break;
        case tried::nobody:
          op.would_block();
      }
    }
    wait_result how = wait_result::ready;
    starving = starving || !unless_starved(why, [&] { how = op.wait(why, limit); });
    if (starving) {
      if (limit.expired()) return recv_status::timeout;
      // A close may be the cancel's doing, which the end looks at; and while the actor unwinds no wait waits.
      if (closed_.wait(std::min(limit, pause())) || this_actor::cancel_requested()) break;
      continue;
    }
    switch (how) {
      case wait_result::ready:
        continue;
      case wait_result::timeout:
        return recv_status::timeout;
      case wait_result::cancelled:
        weir::internal::meet_cancel("accept");
        return recv_status::closed;
      case wait_result::closed:
        break;
    }
    break;
  }
  weir::internal::closed_or_cancelled("accept");
  return recv_status::closed;
}

recv_status acceptor::try_accept(owned_fd& made, address& from, deadline& again) {
  again = deadline::never();
  for (;;) {
    {
      const descriptor::loan use(fd_);
      if (!use) return recv_status::closed;
      switch (try_once(use.fd(), made, from)) {
        case tried::accepted:
          return recv_status::ok;
        case tried::again:
          continue;
        case tried::starved:
          again = pause();
          return recv_status::empty;
        case tried::nobody:
          break;
      }
    }
    // Looks again, as of this moment, and is then told of whoever comes later.
    const weir::internal::wait_for why("accept", [this] { return name(); });
    bool somebody = false;
    if (!unless_starved(why, [&] { somebody = fd_.look(direction::read); })) again = pause();
    if (!somebody) return recv_status::empty;
  }
}

void acceptor::close() noexcept {
  fd_.close();
  closed_.set();
}

owned_fd listen_socket(const address& at, transport over, const listen_socket_options& options) {
  const std::string name = text_of(over, at);
  owned_fd made = open_socket(at.family(), SOCK_STREAM, "listen", name);
  if (at.is_ip()) {
    if (options.reuse_address) set_option(made.get(), SOL_SOCKET, SO_REUSEADDR, 1, name);
    if (options.reuse_port) set_option(made.get(), SOL_SOCKET, SO_REUSEPORT, 1, name);
    if (at.family() == AF_INET6) set_option(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, int{options.v6_only}, name);
  }
  bind_socket(made.get(), at, name);
  if (listen(made.get(), options.backlog) != 0) throw_errno("listen", name);
  return made;
}

}  // namespace weir::net::internal
