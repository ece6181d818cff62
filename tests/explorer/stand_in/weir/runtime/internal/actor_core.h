// In the place of the real one when the explorer compiles the scheduler: what a scheduler needs of an actor.
#pragma once

#include "tests/explorer/atomic.h"
#include "weir/runtime/base/clock.h"

namespace weir::internal {

class actor_core {
 public:
  void run() { runs_.set(runs_.get() + 1); }
  int runs() const { return runs_.get(); }
  int pinned() const { return -1; }

  actor_core* queue_next = nullptr;  // in a run queue; guarded by its lock

 private:
  explorer::plain<int> runs_{0, "an actor"};
};

}  // namespace weir::internal
