// A timer that does something to a scope: cancels it at its deadline, or opens a shield after its grace.
//
// Thread-safety: the host of the scope. The action runs on the worker that finds the timer due.
#pragma once

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/scope_node.h"
#include "weir/runtime/internal/standing_wait.h"
#include "weir/runtime/internal/timer_heap.h"

namespace weir::internal {

class scope_alarm final : private standing_wait {
 public:
  using action = void(scope_node&) noexcept;

  scope_alarm(scope_node& target, action* what) noexcept : standing_wait(&ring), target_(target), action_(what) {
    timer_.owner = this;
  }

  // Acts at once if `at` has passed. REQUIRES: called by an actor, at most once.
  void set(deadline at) noexcept;
  // After this the alarm does not act and is not acting. May park, uninterruptibly and for some microseconds.
  void disarm() noexcept;

 private:
  static void ring(parker* self) noexcept;

  scope_node& target_;
  action* const action_;
  timer_node timer_;
  bool armed_ = false;  // the host's
  event rung_;
};

}  // namespace weir::internal
