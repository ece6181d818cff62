// Jobs on threads of their own, off the workers.
//   cpu_pool   a set of threads with a line of bounded length
//   submit     gives a job to the pool of the caller's runtime
//
// Thread-safety: all of it but construction and destruction; from actors and from plain threads.
//
// The threads run at a lower priority than whoever made the pool: a nice value 5 higher, by setpriority of each thread.
// So a worker that has something to do goes before them, also when they fill every core. Under a real-time policy
// (SCHED_FIFO, SCHED_RR), which they inherit, nice values mean nothing.
//
// A job must not use anything of weir that needs an actor, nor wait for another job of its pool. It may submit to it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/pool_stats.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/future.h"
#include "weir/runtime/internal/job_pool.h"

namespace weir {
namespace internal {

// The pool of the calling actor's runtime. Throws misuse on a plain thread.
const std::shared_ptr<job_pool>& pool_for_submit(site where);

template <class F>
using submit_future = future<pool_value_t<std::decay_t<F>>>;

template <class F>
submit_future<F> submit_to(const std::shared_ptr<job_pool>& pool, F&& f, site where) {
  (void)await_place(*pool, {}, where);
  return submit_future<F>(push_submitted(pool, std::forward<F>(f), where));
}
template <class F>
std::optional<submit_future<F>> submit_to(const std::shared_ptr<job_pool>& pool, F&& f, deadline limit, site where) {
  if (!await_place(*pool, limit, where)) return {};
  return submit_future<F>(push_submitted(pool, std::forward<F>(f), where));
}

}  // namespace internal

struct cpu_pool_options {
  // 1 to 1024; left out: one per core that the process may use (affinity mask and cgroup quota count). They are started
  // as jobs come, and stay.
  std::optional<int> threads = {};
  // The most submitted jobs in line, from 1; what runs does not count.
  std::size_t bound = 1024;
};

class cpu_pool {
 public:
  // Throws misuse (options out of range). Starts no thread yet.
  explicit cpu_pool(const cpu_pool_options& options = {}, site where = site::current());
  cpu_pool(const cpu_pool&) = delete;
  cpu_pool& operator=(const cpu_pool&) = delete;
  // Jobs in line never run: their futures throw actor_cancelled. Those that run are waited for: it parks. Not inside
  // one of its own jobs: the process is stopped with a report.
  ~cpu_pool();

  // Has a thread run f(), or f(std::stop_token), and returns its result's future. f is moved or copied, and destroyed
  // on that thread before the future is ready. Parks while `bound` jobs are in line; a thread that begins one wakes the
  // longest-waiting caller. A cancel throws weir::cancelled, and f was not taken; while the caller unwinds, it waits
  // on. A job of the same pool does not wait, as that could be for itself: its job goes beyond the bound. Throws
  // std::system_error if there is no thread and none can be started. Allocates the job's state.
  template <class F>
  auto submit(F&& f, site where = site::current()) -> internal::submit_future<F> {
    return internal::submit_to(jobs_, std::forward<F>(f), where);
  }
  // The same, at most until `limit`: empty then, and f is as it was.
  template <class F>
  auto submit(F&& f, deadline limit, site where = site::current()) -> std::optional<internal::submit_future<F>> {
    return internal::submit_to(jobs_, std::forward<F>(f), limit, where);
  }
  // Submits if there is a place in line; else empty, and f is as it was. Never parks, is no cancellation point.
  template <class F>
  auto try_submit(F&& f, site where = site::current()) -> std::optional<internal::submit_future<F>> {
    internal::refuse_forked_pool(*jobs_, "try_submit", where);
    if (!jobs_->try_take_place()) return {};
    return internal::submit_future<F>(internal::push_submitted(jobs_, std::forward<F>(f), where));
  }

  // The most threads it has.
  int threads() const noexcept { return jobs_->most_threads(); }
  pool_stats stats() const noexcept { return jobs_->stats(); }

  internal::job_pool& jobs() noexcept { return *jobs_; }

 private:
  const std::shared_ptr<internal::job_pool> jobs_;
  const site where_;
};

// cpu_pool::submit to the pool of the caller's runtime (runtime_options.pool_threads, pool_bound). Inside an actor;
// elsewhere misuse. When the runtime ends, that pool ends as ~cpu_pool does.
template <class F>
auto submit(F&& f, site where = site::current()) -> internal::submit_future<F> {
  return internal::submit_to(internal::pool_for_submit(where), std::forward<F>(f), where);
}
template <class F>
auto submit(F&& f, deadline limit, site where = site::current()) -> std::optional<internal::submit_future<F>> {
  return internal::submit_to(internal::pool_for_submit(where), std::forward<F>(f), limit, where);
}

}  // namespace weir
