#include "weir/runtime/internal/future_core.h"

#include <fmt/core.h>

#include <exception>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::internal {

void future_core::finished(pool_job& self, bool was_run) noexcept {
  auto& f = static_cast<future_core&>(self);
  if (!was_run) f.drop_closure();
  f.ran_ = was_run;
  f.done_.set();
  f.release();
}

void future_core::cancel() noexcept {
  if (pool_->take_back(*this))
    finish(*this, false);
  else if (stop_)
    stop_->request_stop();
}

bool future_core::await(const char* call, deadline limit) {
  const plain_wait why(call, "the result of a job");
  for (bool quiet = std::uncaught_exceptions() > 0;; quiet = true) {
    switch (done_.wait(why, quiet ? interruptible::no : interruptible::yes, limit)) {
      case event::outcome::set:
        return true;
      case event::outcome::timeout:
        return false;
      case event::outcome::cancelled:
        meet_cancel(call);  // in a shield whose grace is over, it waits on
    }
  }
}

bool await_place(job_pool& pool, deadline limit, site where) {
  refuse_forked_pool(pool, "submit", where);
  for (bool quiet = std::uncaught_exceptions() > 0;; quiet = true) {
    switch (pool.take_place(quiet ? interruptible::no : interruptible::yes, limit)) {
      case job_pool::placed::yes:
        return true;
      case job_pool::placed::timeout:
        return false;
      case job_pool::placed::stopped:
        throw actor_cancelled(fmt::format("submit at {}:{}: the pool has ended", where.base(), where.line));
      case job_pool::placed::cancelled:
        meet_cancel("submit");
    }
  }
}

void throw_no_result(const future_core& f) {
  throw actor_cancelled(fmt::format("submit at {}:{}: the job was cancelled, or its pool ended, before it began",
                                    f.where().base(), f.where().line));
}

void throw_no_future(const char* call, site where) {
  throw_misuse(call, "the future must have a result to take",
               "one that was moved from, was never set, or whose result was taken",
               "Keep what the first get() returned.", where);
}

void refuse_forked_pool(const job_pool& pool, const char* call, site where) {
  if (pool.forked()) throw_forked(call, "a pool of threads", where);
}

}  // namespace weir::internal
