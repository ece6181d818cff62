#include "weir/runtime/blocking.h"

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {

bool run_blocking(blocking_pool::job& j) {
  actor_core* const self = current_actor();
  if (self == nullptr) {
    j.run(j.argument);
    return true;
  }
  blocking_pool& pool = self->runtime().blocking();
  if (self->word().cancel_pending()) {
    self->meet_cancel("blocking");
    return false;
  }
  pool.submit(j);
  const plain_wait why("blocking", "a thread of the pool");
  if (j.done.wait(why, interruptible::yes) == event::outcome::set) return true;
  if (!pool.take_back(j)) {
    j.done.wait(why, interruptible::no);
    return true;
  }
  self->meet_cancel("blocking");
  return false;
}

void throw_not_run() { throw actor_cancelled("blocking: cancelled before the call began"); }

}  // namespace weir::internal
