// In the place of the real one when the explorer compiles the scheduler: what a scheduler needs of an actor.
#pragma once

#include "tests/explorer/atomic.h"
#include "weir/runtime/base/clock.h"

namespace weir::internal {

class worker;

class actor_core {
  // Each use is a scheduling point, so that it shows if the link is used after somebody else may have.
  class link {
   public:
    operator actor_core*() const { return to_.load(std::memory_order_relaxed); }
    void operator=(actor_core* to) { to_.store(to, std::memory_order_relaxed); }

   private:
    explorer::atomic<actor_core*> to_{nullptr};
  };

 public:
  // To its end: its memory may be another's then.
  void run() {
    runs_.set(runs_.get() + 1);
    queue_next = nullptr;
  }
  int runs() const { return runs_.get(); }
  int pinned() const { return -1; }
  static worker* ran_by() { return nullptr; }

  link queue_next;  // in a run queue; guarded by its lock

 private:
  explorer::plain<int> runs_{0, "an actor"};
};

}  // namespace weir::internal
