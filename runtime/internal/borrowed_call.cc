#include "weir/runtime/internal/borrowed_call.h"

#include <string>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {

void borrowed_job::finished(pool_job& self, bool was_run) noexcept {
  auto& j = static_cast<borrowed_job&>(self);
  j.ran = was_run;
  j.done.set();  // the job may be gone now
}

call_end run_borrowed(job_pool& pool, borrowed_job& j, const char* call, deadline limit) {
  actor_core* const self = current_actor();
  if (self->word().cancel_pending()) {
    self->meet_cancel(call);
    return call_end::cancelled;
  }
  // Else it would be the pool's speed that decides whether a call without any time left is made.
  if (limit.expired()) return call_end::timeout;
  pool.push(j);
  const plain_wait why(call, "a thread of the pool");
  const auto waited = j.done.wait(why, interruptible::yes, limit);
  if (waited == event::outcome::set) return j.ran ? call_end::ran : call_end::cancelled;
  if (pool.take_back(j)) {
    if (waited == event::outcome::timeout) return call_end::timeout;
    self->meet_cancel(call);
    return call_end::cancelled;
  }
  j.hurry.store(true, std::memory_order_relaxed);
  if (j.stop != nullptr) j.stop->request_stop();
  j.done.wait(why, interruptible::no);
  return j.ran ? call_end::ran : call_end::cancelled;
}

void throw_not_run(const char* call) {
  throw actor_cancelled(std::string(call) + ": cancelled, or the pool ended, before the call began");
}

job_pool* cpu_pool_here() noexcept {
  actor_core* const a = current_actor();
  return a != nullptr ? a->runtime().cpu_jobs().get() : nullptr;
}

job_pool* blocking_pool_here() noexcept {
  actor_core* const a = current_actor();
  return a != nullptr ? &a->runtime().blocking() : nullptr;
}

}  // namespace weir::internal
