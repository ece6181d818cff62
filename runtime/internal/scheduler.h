// The scheduler: which actor runs next, and which worker sleeps. One queue shared by all workers of a runtime.
//
// Thread-safety: all of it.
//
// Invariants:
//  1. A worker goes to sleep only in the locked section that found nothing for it, and from then on stands in idle_.
//  Who
//     adds work takes a worker out of idle_ in the locked section that adds it, and rings it afterwards. So no wake is
//     lost.
//  2. At most one worker searches: it was rung, or it spins, and has found nothing yet. While one does, nobody else is
//  rung
//     for the shared queue; when it finds work and more is left, it rings the next.
//  3. A pinned actor stands in its worker's inbox only.
#pragma once

#include <atomic>
#include <cstddef>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/fifo.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

class worker;

// Something to run on a worker's native stack, where its libuv loop may be used. Lives with whoever posts it.
struct loop_request {
  void (*run)(loop_request& self, worker& w) = nullptr;
  loop_request* next = nullptr;
};

class scheduler {
 public:
  // A worker's place in the scheduler. Guarded by the scheduler's lock.
  struct seat {
    fifo<actor_core, &actor_core::queue_next> inbox;  // pinned actors
    fifo<loop_request, &loop_request::next> requests;
    worker* self = nullptr;
    seat* next_idle = nullptr;
    bool asleep = false;            // stands in idle_
    bool searching = false;         // is the one searcher
    std::atomic<bool> mail{false};  // inbox or requests hold something; read without the lock as a hint
  };

  // Makes `a` runnable, and rings a worker if one should come.
  void push(actor_core& a, seat* pinned_to) noexcept;
  // The next actor for the worker, or null.
  actor_core* pop(seat& s) noexcept;

  // Runs `r` on the worker's native stack, soon.
  void post(seat& s, loop_request& r) noexcept;
  loop_request* pop_request(seat& s) noexcept;

  // The worker found nothing. True: it may spin for a while, and is the only one that does.
  bool begin_search(seat& s) noexcept;
  // A searcher's cheap look; stale is fine, pop() and begin_sleep() decide.
  bool may_have_work(const seat& s) const noexcept {
    return length_.load(std::memory_order_relaxed) != 0 || s.mail.load(std::memory_order_relaxed) || stopping();
  }
  // The last look. True: the worker stands in the idle list and sleeps until it is rung or its time is up.
  bool begin_sleep(seat& s) noexcept;
  void end_sleep(seat& s) noexcept;

  // Rings everybody; workers leave once they find nothing.
  void stop() noexcept;
  // Relaxed: begin_sleep() looks again under the lock.
  bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }

 private:
  worker* call_one_locked() noexcept;
  worker* call_locked(seat& s) noexcept;

  small_lock lock_;
  fifo<actor_core, &actor_core::queue_next> queue_;  // guarded by lock_, as are:
  fifo<seat, &seat::next_idle> idle_;
  bool searching_ = false;
  std::atomic<std::size_t> length_{0};  // of queue_; written under lock_, read without it as a hint
  std::atomic<bool> stopping_{false};   // written under lock_
};

}  // namespace weir::internal
