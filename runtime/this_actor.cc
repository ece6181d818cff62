#include "weir/runtime/this_actor.h"

#include <thread>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/worker.h"

namespace weir::this_actor {

using internal::actor_core;
using internal::current_actor;

void yield() {
  actor_core* const a = current_actor();
  if (a == nullptr) {
    std::this_thread::yield();
    return;
  }
  if (a->word().cancel_pending()) a->meet_cancel("yield");
  a->yield();
}

void maybe_yield() {
  if (current_actor() == nullptr) return;
  internal::worker& w = internal::current_worker();
  if (internal::now() - w.recent_time() < std::chrono::microseconds(200)) return;
  w.look_at_clock();
  yield();
}

void sleep(deadline until) {
  internal::parker& self = internal::current_parker();
  const internal::plain_wait why("sleep");
  internal::wake_cause cause = internal::wake_cause::cancel;
  if (!self.begin_wait(internal::interruptible::yes).cancelled) cause = self.park(why, until);
  if (cause == internal::wake_cause::cancel) current_actor()->meet_cancel("sleep");
}

std::uint64_t id() noexcept {
  const actor_core* const a = current_actor();
  return a ? a->id() : 0;
}

std::string_view name() noexcept {
  const actor_core* const a = current_actor();
  return a ? a->name() : std::string_view();
}

std::size_t stack_used() noexcept {
  const actor_core* const a = current_actor();
  return a ? a->stack()->high_water() : 0;
}

bool cancel_requested() noexcept {
  const actor_core* const a = current_actor();
  return a != nullptr && a->word().cancel_pending();
}

void check_cancel() {
  actor_core* const a = current_actor();
  if (a != nullptr && a->word().cancel_pending()) a->meet_cancel("check_cancel");
}

}  // namespace weir::this_actor
