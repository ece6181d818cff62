// The parker of a plain OS thread: it sleeps on a futex. And current_parker(), which picks.
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/futex.h"
#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/job_pool.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {
namespace {

class thread_parker final : public parker {
 public:
  thread_parker() noexcept : parker(&thread_parker::resume) {}

 private:
  // Release pairs with the acquire in sleep(). From the store on the thread may go on, and even end: after it only the
  // address is used.
  static void resume(parker* self) noexcept {
    if (static_cast<thread_parker*>(self)->mark_.foreign()) abort_forked("wake", "a waiting thread of the parent", {});
    if (static_cast<thread_parker*>(self)->for_good_) idle_threads_of_process.unpark();  // before it can go on
    atomic<std::uint32_t>& woken = static_cast<thread_parker*>(self)->woken_;
    woken.store(1, std::memory_order_release);
    futex_wake_all(&woken);
  }

  void stop(const wait_reason&, deadline limit) override {
    mark_ = {};
    for_good_ = limit.is_never() && !job_pool::runs_job();
    if (word().commit() == commit_result::parked) sleep(limit);
  }

  void stop_holding(const wait_reason&, lock_key held, interruptible i) override {
    mark_ = {};
    for_good_ = !job_pool::runs_job();
    const commit_result parked = word().open_parked(i);
    held.unlock();
    if (parked == commit_result::parked) sleep({});
  }

  void sleep(deadline limit) {
    if (for_good_) {
      idle_threads_of_process.park();
      look_again_if_in_doubt();
    }
    while (woken_.load(std::memory_order_acquire) == 0) {
      if (!limit.is_never() && limit.expired()) {
        if (word().try_claim(word().epoch(), wake_cause::timeout) == claim_result::won) return;
        limit = {};  // lost: the winner's wake is on its way
      }
      futex_wait(&woken_, 0, limit.at());
    }
    woken_.store(0, std::memory_order_relaxed);  // own until the next wait is open
  }

  process_mark mark_;               // of the wait under way; written before it is published as parked
  bool for_good_ = false;           // that wait has no deadline, and is not that of a job; like mark_
  atomic<std::uint32_t> woken_{0};  // a futex: 1 from the wake until the thread has seen it
};

// Apart from current_parker(), which would pay for its frame.
__attribute__((noinline)) parker& parker_of_thread(const worker* w) {
  if (w != nullptr)
    abort_misuse("park", "a callback on a worker's native stack must not wait", "", "Spawn an actor that does.", {});
  abort_forking_actor("park");
  thread_local thread_parker mine;
  return mine;
}

}  // namespace

__attribute__((noinline)) parker& current_parker() {
  asm volatile("" ::: "memory");  // see current_worker_or_null()
  const worker* const w = this_thread_worker;
  if (w != nullptr)
    if (actor_core* const a = w->running()) return *a;
  return parker_of_thread(w);
}

}  // namespace weir::internal
