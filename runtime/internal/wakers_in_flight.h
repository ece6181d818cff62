// Threads from outside that are about to make an actor of a runtime runnable. The runtime is destroyed only when there
// is none.
//
// Thread-safety: all of it.
//
// What such a thread publishes may be run, and end the runtime's last actor, before the thread has rung the bell. So
// the count is raised before it publishes: until then the actor cannot run, and the runtime cannot end. It is lowered
// after its last touch, and whoever destroys the runtime waits for zero after the workers are gone.
#pragma once

#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/plant.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

class wakers_in_flight {
 public:
  // Runs publish(), the caller's last touch of the runtime.
  template <class Publish>
  void during(Publish&& publish) noexcept {
    if (planted(bug::shutdown_late_raise)) {
      publish();
      count_.fetch_add(1, std::memory_order_relaxed);
    } else {
      // Relaxed: ordered before the end of the actor that is published, which the one who destroys has seen.
      count_.fetch_add(1, std::memory_order_relaxed);
      publish();
    }
    count_.fetch_sub(1, std::memory_order_release);  // pairs with wait_for_none()
  }

  // REQUIRES: every actor that was published has ended, so none comes anew.
  void wait_for_none() noexcept {
    if (planted(bug::shutdown_no_wait)) return;
    // Acquire: what the wakers did comes before the end of the memory that they did it to.
    while (count_.load(std::memory_order_acquire) != 0) nap();
  }

 private:
  atomic<int> count_{0};  // raised and lowered by the wakers
};

}  // namespace weir::internal
