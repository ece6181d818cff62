// A listening socket that any number of actors accept from.
//
// Thread-safety: all of it.
//
// One descriptor for all workers: each actor makes the system call on whatever worker it is, and parks if nobody is
// there. What was accepted is watched by the worker whose actor first has to wait for it. So no worker has connections
// of its own by accident of a hash, and an actor that computes keeps nobody's connections from being accepted.
//
// Out of descriptors (EMFILE and its like), or of what one waits with: the connection stays in the kernel's queue.
// Whoever met it counts it and pauses, 1 ms at first, twice as long each time in a row, 100 ms at most. Readiness is
// left as it is, so nothing is lost if the one who pauses gives up.
#pragma once

#include <cstdint>
#include <string>

#include "weir/channels/status.h"
#include "weir/net/address.h"
#include "weir/net/endpoint.h"
#include "weir/net/internal/owned_fd.h"
#include "weir/net/internal/stream_core.h"
#include "weir/runtime/base/clock.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/descriptor.h"
#include "weir/runtime/internal/wait_reason.h"
#include "weir/runtime/sync/event.h"

namespace weir::net::internal {

class acceptor {
 public:
  // Takes over a listening socket.
  acceptor(owned_fd fd, transport over);
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;
  virtual ~acceptor() = default;

  // Parks until somebody has connected. A cancel throws weir::cancelled.
  recv_status accept(owned_fd& made, address& from, deadline limit);
  virtual void close() noexcept;

  // For select: ok, closed or empty; then `again` is when to look anew even if nobody comes, never otherwise.
  recv_status try_accept(owned_fd& made, address& from, deadline& again);
  // `pausing`: there was no descriptor, so that somebody is there is no news; only a close is.
  enrolled enroll(wait_node& node, bool pausing) noexcept {
    return pausing ? closed_.enroll(node) : fd_.enroll(direction::read, node);
  }
  void withdraw(wait_node& node, bool pausing) noexcept {
    pausing ? closed_.withdraw(node) : fd_.withdraw(direction::read, node);
  }

  transport over() const noexcept { return over_; }
  const address& at() const noexcept { return at_; }
  std::string name() const { return text_of(over_, at_); }

  // Relaxed: counts, each by itself.
  std::uint64_t accepted() const noexcept { return accepted_.load(std::memory_order_relaxed); }
  std::uint64_t aborted() const noexcept { return aborted_.load(std::memory_order_relaxed); }
  std::uint64_t starved() const noexcept { return starved_.load(std::memory_order_relaxed); }

 private:
  enum class tried : std::uint8_t { accepted, nobody, again, starved };
  tried try_once(int fd, owned_fd& made, address& from);
  // Runs watch(), which may have the kernel watch the listener. False: there is no descriptor or memory for that.
  template <class Watch>
  bool unless_starved(const weir::internal::wait_reason& why, Watch watch);
  // Until when to wait after a failure for want of descriptors.
  deadline pause() noexcept;

  weir::internal::descriptor fd_;
  const transport over_;
  const address at_;
  weir::event closed_;
  weir::internal::atomic<std::uint64_t> accepted_{0}, aborted_{0}, starved_{0};
  // How many times in a row there was no descriptor. Relaxed: two that pause at once may count one.
  weir::internal::atomic<unsigned> starved_in_a_row_{0};
};

// For bind_and_listen.
struct listen_socket_options {
  int backlog;
  bool reuse_address, reuse_port, v6_only;
};
// A listening socket; throws net::error.
owned_fd listen_socket(const address& at, transport over, const listen_socket_options& options);

}  // namespace weir::net::internal
