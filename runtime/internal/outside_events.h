// How many waits are for something that comes from outside the process: a selected signal, a descriptor. While there is
// one, nothing is a deadlock.
//
// Thread-safety: all of it. One count per process.
#pragma once

#include <atomic>

#include "weir/runtime/internal/idle_threads.h"

namespace weir::internal {

// Raised by who begins such a wait, before it parks. Lowered once what it waited for has been made runnable, or after
// the wait: never between the event and the wake, as a look in that moment would find nobody who could wake it.
// Seq_cst, as it is read together with the census of workers and threads (quiescence.h).
inline constinit std::atomic<int> expected_outside_events{0};

inline void expect_outside_event() noexcept { expected_outside_events.fetch_add(1, std::memory_order_seq_cst); }

// It may have been all that spoke against a deadlock: then somebody looks again. Either the look has seen the count
// lowered, or this sees that one was in doubt. REQUIRES: no lock is held.
inline void outside_event_over() noexcept {
  if (expected_outside_events.fetch_sub(1, std::memory_order_seq_cst) == 1) look_again_if_in_doubt();
}

class outside_event_expected {
 public:
  outside_event_expected() noexcept { expect_outside_event(); }
  outside_event_expected(const outside_event_expected&) = delete;
  ~outside_event_expected() { outside_event_over(); }
};

}  // namespace weir::internal
