// The park word: where an actor (or a blocked OS thread) stands between "I am about to stop" and "I run again".
//
//   running --begin--> parking --commit--> parked --notify--> runnable --run--> running
//                         |                  | ^
//                         |                  | |  inspect / finish_inspection
//                         |                  v |
//                         |               inspected
//                         +--notify--> notified <--notify--+        (whoever holds the actor makes it runnable)
//
// Waiter nodes are published while `parking`: peers may claim and notify from then on, although the actor still runs on
// its stack. Only the worker's native stack, after the switch-out, moves parking to parked, so nobody can resume a
// stack that is still in use. The waker that won the claim makes exactly one transition, notify(); after it, it touches
// the actor again only if the answer is `resume`.
//
// `inspected` lets a dump read what a parked actor waits for: the actor cannot run meanwhile, and wakers do not wait.
//
// Thread-safety: begin, abandon: the owner. commit, run: the worker that holds the actor. notify: the one winner of a
// claim.
#pragma once

#include <cstdint>

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

enum class park_state : std::uint32_t { running, parking, parked, notified, runnable, inspected };

enum class notify_result : bool {
  leave,   // another holds the actor and will make it runnable: touch nothing of it
  resume,  // the caller must make it runnable
};

enum class commit_result : bool {
  parked,    // it is somebody else's now
  notified,  // a wake came first: the caller must make it runnable
};

class park_word {
 public:
  // Relaxed: the claim's open(), which follows, releases it to those who may notify.
  void begin() noexcept { word_.store(park_state::parking, std::memory_order_relaxed); }
  // The owner claimed its own park, so no notify is under way.
  void abandon() noexcept { word_.store(park_state::running, std::memory_order_relaxed); }
  // The holder is about to run it. Relaxed: taking it from a run queue ordered this after notify().
  void run() noexcept { word_.store(park_state::running, std::memory_order_relaxed); }
  // The holder puts it into a run queue without a park (yield, first start).
  void make_runnable() noexcept { word_.store(park_state::runnable, std::memory_order_relaxed); }

  // A wake came already: the switch-out can be spared. Acquire pairs with notify().
  bool notified() const noexcept { return word_.load(std::memory_order_acquire) == park_state::notified; }

  // Release pairs with the acquire in notify(): the waker that resumes it sees the saved context.
  commit_result commit() noexcept {
    park_state expected = park_state::parking;
    return word_.compare_exchange_strong(expected, park_state::parked, std::memory_order_acq_rel)
               ? commit_result::parked
               : commit_result::notified;
  }

  // Release: what the winner of the claim wrote (the value, the node's outcome) is seen by the owner when it runs.
  notify_result notify() noexcept {
    park_state seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      const bool parked = seen == park_state::parked;
      if (word_.compare_exchange_weak(seen, parked ? park_state::runnable : park_state::notified,
                                      std::memory_order_acq_rel, std::memory_order_relaxed))
        return parked ? notify_result::resume : notify_result::leave;
    }
  }

  // Keeps a parked actor from running until finish_inspection(); false if it is not parked.
  bool inspect() noexcept {
    park_state expected = park_state::parked;
    return word_.compare_exchange_strong(expected, park_state::inspected, std::memory_order_acq_rel);
  }
  commit_result finish_inspection() noexcept {
    park_state expected = park_state::inspected;
    return word_.compare_exchange_strong(expected, park_state::parked, std::memory_order_acq_rel)
               ? commit_result::parked
               : commit_result::notified;
  }

  // For dumps. Relaxed: stale is fine.
  park_state peek() const noexcept { return word_.load(std::memory_order_relaxed); }

  // The word as a futex, for OS threads.
  atomic<park_state>& raw() noexcept { return word_; }

 private:
  atomic<park_state> word_{park_state::running};
};

}  // namespace weir::internal
