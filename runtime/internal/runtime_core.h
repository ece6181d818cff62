// What a runtime is made of: workers, the scheduler, the stacks, the pools for blocking calls and for CPU work, and the
// root of the scope tree.
//
// Shutdown, in this order, each step being sure of the one before:
//  1. alive_ is closed: a spawn from outside was counted before, and is waited for, or is refused. Else threads that
//     spawn without end would keep the runtime for ever. Actors go on spawning.
//  2. The root scope is cancelled: every actor meets the cancel at its next park. The last one to end lowers alive_ to
//     zero; whoever shuts down waits for that, at most `grace`, else the actors that are left are named on stderr and
//     the process aborts.
//  3. The pools have only jobs left that were submitted and not waited for: those that have not begun never will, those
//     that run are waited for; the threads are joined.
//  4. The watchdog ends; the scheduler stops; each worker leaves when it finds nothing to run; the threads are joined.
//  5. Threads outside that woke an actor may still be ringing a bell: wakers_in_flight.h counts them, and they are
//     waited for.
//  6. The loops are closed, the memory goes.
//
// Thread-safety: all of it but construction and destruction.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/runtime/internal/extensions.h"
#include "weir/runtime/internal/failure_sink.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/job_pool.h"
#include "weir/runtime/internal/scheduler.h"
#include "weir/runtime/internal/scope_node.h"
#include "weir/runtime/internal/stack_pool.h"
#include "weir/runtime/internal/wakers_in_flight.h"
#include "weir/runtime/internal/watchdog.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {

// Checked and completed runtime_options (runtime.h).
struct runtime_settings {
  int workers;
  int blocking_threads;
  int pool_threads;
  std::size_t pool_bound;
  bool migrate;             // WEIR_SCHED=migrate
  stack_guard first_guard;  // WEIR_STACK_GUARD
  std::chrono::nanoseconds grace;
  failure_sink::handler on_unhandled;
};

class runtime_core {
 public:
  runtime_core(runtime_settings settings, site where);
  runtime_core(const runtime_core&) = delete;
  ~runtime_core();  // steps 3 to 6. REQUIRES: drain() has returned.

  // Steps 1 and 2. Not on a worker.
  void drain();

  // Nothing could run any more. Once, by whoever found out (deadlock_report.h), before anybody breaks the runtime up.
  void set_deadlock(std::shared_ptr<const std::string> report) noexcept;
  // The report; null if there was no deadlock. Acquire pairs with set_deadlock().
  const std::string* deadlock() const noexcept { return deadlocked_.load(std::memory_order_acquire); }
  // After set_deadlock(), by the watchdog: cancels all actors, and waits for their end as drain() does.
  void break_up() noexcept;
  // How many calls of run wait for their main; they will throw a report, so nobody needs to print it.
  std::atomic<int>& runs() noexcept { return runs_; }
  // Waits until no actor is left, for ever.
  void await_actors() noexcept { await_actors(time_point::max(), ""); }

  // Makes a runnable actor runnable on some worker. From any thread.
  void enqueue(actor_core& a, scheduler::kind k = scheduler::kind::woken) noexcept;
  // By the worker that holds `a` and has just switched it out: it yielded, or was woken while it parked.
  void requeue(actor_core& a, worker& w) noexcept;

  // Counts an actor that is about to be made under `parent`. `own`: the worker of this runtime that calls, or null.
  // False: the caller is none of this runtime's actors, and it ends.
  bool admit(const scope_node& parent, worker* own) noexcept;
  // An admitted one could not be made after all.
  void retract(const scope_node& parent, worker* own) noexcept;
  // The end of the runtime waits for `parent`'s children itself. Those further down are waited for by their scopes,
  // whose hosts it waits for.
  bool awaits_children_of(const scope_node& parent) const noexcept { return &parent == &root_; }
  // One that is awaited.
  void actor_ended() noexcept;
  // `actor "resize" (#41, spawned at image.cc:88)`; empty if it has ended, as `a` is not followed before it was found
  // alive, or if there is no memory for the text.
  std::string describe(const actor_core* a) noexcept;
  // Some worker runs it now; a hint.
  bool is_running(const actor_core& a) const noexcept;

  // The first of `count` numbers for actors.
  std::uint64_t reserve_ids(std::uint64_t count) noexcept {
    return last_id_.fetch_add(count, std::memory_order_relaxed) + 1;
  }
  class scheduler& scheduler() noexcept {
    return scheduler_;
  }
  class watchdog& watchdog() noexcept {
    return watchdog_;
  }
  scope_node& root() noexcept { return root_; }
  stack_pool& stacks() noexcept { return *stacks_; }
  failure_sink& failures() noexcept { return *failures_; }
  job_pool& blocking() noexcept { return blocking_; }
  // The one that offload and submit use if none is named. Shared with the futures of its jobs.
  const std::shared_ptr<job_pool>& cpu_jobs() noexcept { return cpu_jobs_; }
  // Jobs of this runtime's two pools that are in line or running.
  std::size_t pending_jobs() const noexcept { return blocking_.pending() + cpu_jobs_->pending(); }
  class extensions& extensions() noexcept {
    return extensions_;
  }
  worker& worker_at(int index) noexcept { return *workers_[static_cast<std::size_t>(index)]; }
  bool migrates() const noexcept { return settings_.migrate; }
  int worker_count() const noexcept { return settings_.workers; }
  // Actors admitted and not ended; exact if none comes or goes.
  std::size_t alive() const noexcept;
  time_point started() const noexcept { return started_; }
  // It was made before fork(), by a parent of this process.
  bool forked() const noexcept { return mark_.foreign(); }

 private:
  struct retire_pool {
    void operator()(stack_pool* p) const noexcept { p->retire(); }
  };

  void stop_threads() noexcept;
  void count_scoped(worker* own, std::ptrdiff_t change) noexcept;
  // At `limit` names the actors that are left, and aborts. `after`: what they were cancelled for.
  void await_actors(time_point limit, const char* after) noexcept;

  const runtime_settings settings_;
  const time_point started_;
  const process_mark mark_;
  class scheduler scheduler_;
  const std::shared_ptr<failure_sink> failures_;
  const std::unique_ptr<stack_pool, retire_pool> stacks_;
  scope_node root_;
  class extensions extensions_;
  std::vector<std::unique_ptr<worker>> workers_;
  job_pool blocking_;
  const std::shared_ptr<job_pool> cpu_jobs_;
  class watchdog watchdog_;
  std::atomic<std::uint64_t> last_id_{0};
  static constexpr std::size_t closed = ~(~std::size_t{0} >> 1);
  // Of the root's children those admitted and not yet off their stack; the top bit: it ends, and admits none from
  // outside. Raised by spawns, lowered by the worker that ended one; drain() closes.
  std::atomic<std::size_t> alive_{0};
  std::atomic<std::ptrdiff_t> scoped_outside_{0};  // made in scopes by other threads; no wait depends on it
  wakers_in_flight foreign_;                       // inside enqueue() and retract()
  std::atomic<std::uint32_t> ended_signal_{0};     // a futex: raised when alive_ falls to zero
  std::atomic<int> runs_{0};                       // raised and lowered by run; the report reads it
  std::shared_ptr<const std::string> report_;      // written before deadlocked_ is set
  std::atomic<const std::string*> deadlocked_{nullptr};
};

}  // namespace weir::internal
