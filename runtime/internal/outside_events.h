// How many waits are for something that comes from outside the process: a selected signal, a descriptor. While there is
// one, nothing is a deadlock.
//
// Thread-safety: all of it. One count per process.
#pragma once

#include <atomic>

namespace weir::internal {

// Raised by who begins such a wait, before it parks. Lowered once what it waited for has been made runnable, or after
// the wait: never between the event and the wake, as a look in that moment would find nobody who could wake it.
// Seq_cst, as it is read together with the census of workers and threads (quiescence.h).
inline constinit std::atomic<int> expected_outside_events{0};

class outside_event_expected {
 public:
  outside_event_expected() noexcept { expected_outside_events.fetch_add(1, std::memory_order_seq_cst); }
  outside_event_expected(const outside_event_expected&) = delete;
  ~outside_event_expected() { expected_outside_events.fetch_sub(1, std::memory_order_seq_cst); }
};

}  // namespace weir::internal
