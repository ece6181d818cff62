// The timers of one worker: a 4-ary heap of deadlines, exact, with removal from the middle.
//
// Thread-safety: all of it. The worker's own actors insert; any worker may remove (its actor may have moved); the
// worker expires.
//
// Invariants:
//  1. entries_[i].node->position == i + 1 for every entry; position == 0: not in the heap.
//  2. A timer that is due is removed and claims its park in one locked section. So a timer that remove() does not find
//     has claimed, or lost its claim, already, and nobody will touch the parker on its behalf any more but to wake it.
#pragma once

#include <cstddef>
#include <vector>

#include "weir/runtime/base/clock.h"
#include "weir/runtime/internal/parker.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

class timer_heap;

// One per actor, as an actor waits in one place at a time.
struct timer_node {
  parker* owner = nullptr;
  wait_word::epoch_type epoch = 0;
  timer_heap* heap = nullptr;  // where it was inserted; the owner's
  std::size_t position = 0;    // guarded by the heap's lock
  timer_node* next = nullptr;  // chain of those expired together
};

class timer_heap {
 public:
  // Allocates only when the heap outgrows its largest size so far. Without memory for that the process ends: the waiter
  // is registered elsewhere already, and a wait without its deadline would break a promise.
  void insert(timer_node& node, time_point at) noexcept;
  // After this, the timer will not claim any more; if it has, its wake is on the way or done.
  void remove(timer_node& node) noexcept;
  // Claims and wakes all that are due. Returns how many.
  std::size_t expire(time_point now) noexcept;
  // When the next is due, time_point::max() if none.
  time_point next() noexcept;

 private:
  struct entry {
    time_point at;
    timer_node* node;
  };

  void place(std::size_t index, entry e) noexcept;
  void sift_up(std::size_t index, entry e) noexcept;
  void sift_down(std::size_t index, entry e) noexcept;
  void erase(std::size_t index) noexcept;

  small_lock lock_;
  std::vector<entry> entries_;  // guarded by lock_
};

}  // namespace weir::internal
