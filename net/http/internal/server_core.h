// What all connections of a server share.
//
// Thread-safety: all of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "weir/net/http/server_options.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/sync/semaphore.h"

namespace weir::net::http::internal {

class server_core {
 public:
  explicit server_core(server_options o) : options(std::move(o)), places(options.connections) {}

  const server_options options;
  semaphore places;  // for connections
  event draining;

  // Written and read by anybody, relaxed: each counts by itself, and stale is fine.
  std::atomic<std::uint64_t> connections{0}, open{0}, requests{0}, refused{0}, failed{0}, late{0}, not_begun{0};

  void drain(deadline limit) {
    const std::lock_guard guard(mutex_);
    if (draining.is_set()) return;
    limit_ = limit;
    draining.set();
  }
  // REQUIRES: draining is set.
  deadline drained_at() {
    const std::lock_guard guard(mutex_);
    return limit_;
  }

 private:
  std::mutex mutex_;
  deadline limit_;  // guarded by mutex_
};

// Relaxed: see above.
inline void count(std::atomic<std::uint64_t>& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace weir::net::http::internal
