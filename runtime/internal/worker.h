// A worker: an OS thread that runs actors and owns one libuv loop.
//
// The thread sleeps in an epoll set of its own (readiness_set.h). Members of the set: the doorbell (an eventfd,
// edge-triggered and never read, so a ring costs one system call on each side), the backend descriptor of the libuv
// loop, and the descriptors whose first wait was on this worker. The loop is run when its descriptor fires, when its
// own timeout is due, and after each request that may have started a handle, because libuv registers descriptors with
// its epoll only inside its own poll.
//
// A worker whose last events came from descriptors does not search before it sleeps: what it waits for comes from the
// kernel, which a sleep in the set sees at once, and a search not at all.
//
// Thread-safety: ring() from anywhere; everything else on the worker's own thread, `after_switch` by the actor it runs.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <array>
#include <memory>
#include <optional>
#include <thread>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/context.h"
#include "weir/runtime/internal/readiness_set.h"
#include "weir/runtime/internal/scheduler.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/timer_heap.h"

namespace weir::internal {

class worker {
 public:
  // What the native stack does with the actor that has just left its stack.
  enum class after { park, park_open, yield, move, exit };

  worker(runtime_core& runtime, int index);
  worker(const worker&) = delete;
  ~worker();

  void start();
  // Does nothing if it was not started.
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  // Wakes the thread if it sleeps, or makes its next sleep short.
  void ring() noexcept;

  runtime_core& runtime() const noexcept { return runtime_; }
  int index() const noexcept { return index_; }
  scheduler::seat& seat() noexcept { return seat_; }
  timer_heap& timers() noexcept { return timers_; }
  actor_core* running() const noexcept { return running_.load(std::memory_order_relaxed); }  // own thread, or a hint
  context& native() noexcept { return native_; }
  void after_switch(after what) noexcept { after_ = what; }
  // Opens the actor's wait, parked, and lets `held` go (parker.h, park_holding).
  void after_switch_open(lock_key held, interruptible i) noexcept {
    after_ = after::park_open;
    held_ = held;
    interruptible_ = i;
  }
  // The actor goes to `to`.
  void after_switch_move(worker& to) noexcept {
    after_ = after::move;
    move_to_ = &to;
  }
  // Its running actor met the worker `holder` at a lock (biased_lock.h). Those who do so often are moved together: to
  // the lower one of the two workers, so that a group ends on one of them. True: the actor was moved.
  bool follow_holder(std::uint32_t holder, unsigned weight) noexcept;
  // When the worker last looked at the clock: at most some microseconds ago, unless an actor hogs it.
  time_point recent_time() const noexcept { return recent_; }

  // 0 until its thread runs. The watchdog asks the kernel about it.
  pid_t thread_id() const noexcept { return thread_id_.load(std::memory_order_relaxed); }

  // The actor it runs, or the watchdog, asks for a look at the clock before the next turn.
  void look_at_clock() noexcept { turns_until_look_.store(1, std::memory_order_relaxed); }

  // own thread: a number for a new actor.
  std::uint64_t next_id() noexcept;
  // own thread: an actor in a scope was made, or has ended. The sum of all workers counts those alive.
  void count_scoped(std::ptrdiff_t change) noexcept {
    scoped_.store(scoped_.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  std::ptrdiff_t scoped() const noexcept { return scoped_.load(std::memory_order_relaxed); }
  // own thread: its actor begins or ends a wait for what comes from outside (outside_wait.h).
  void count_outside(std::ptrdiff_t change) noexcept {
    outside_.store(outside_.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  std::ptrdiff_t outside() const noexcept { return outside_.load(std::memory_order_relaxed); }
  // own thread: counts an operation. True: the actor's turn is over (interrupt.h).
  bool spend_operation() noexcept { return ++operations_ % 128 == 0; }
  // It sleeps, or is about to, until somebody calls it: none of its timers is left and its loop watches nothing. A
  // hint, unless the caller knows that it sleeps (quiescence.h).
  bool sleeps_for_good() noexcept {
    return has_timers_only_.load(std::memory_order_relaxed) && timers_.next() == time_point::max();
  }

  std::size_t waiting_behind() noexcept { return scheduler::waiting_behind(seat_); }

  // What its actors' descriptors join.
  const std::shared_ptr<readiness_set>& readiness() const noexcept { return readiness_; }

  // The watchdog: it has not switched since `turns`. True: it has something to look after, and nobody does
  // (adoption.h).
  bool wish_adoption(std::uint32_t turns) noexcept;

  // Inside a loop_request only.
  uv_loop_t* loop() noexcept { return &loop_; }

 private:
  struct events {
    int count = 0;
    std::array<epoll_event, 64> list;  // not initialized: `count` of them are
  };

  void main();
  void release() noexcept;
  // Holds loop_lock_ while it uses the loop, as all do that do.
  void run_requests();
  // Looks at the clock: expires timers, after a look at its set now and then. May be called by its own thread only.
  void tend(time_point now);
  actor_core* idle();
  // False: there is something to do after all.
  bool sleep();
  void rest();
  // What the set has to say, waiting until `until` at most; and telling it to those whom it concerns.
  void listen(events& heard, time_point until) noexcept;
  void serve(const events& heard);
  // What it has to say by now, all of it if a timer is due. By whoever looks after this worker.
  void ask(time_point now);
  void look(time_point now);

  // In adoption.cc.
  bool is_stuck() const noexcept;
  void adopt_stuck(time_point now);
  bool adopt(worker& w) noexcept;
  static void end_adoption(worker& w) noexcept;
  static void end_adoption_locked(worker& w) noexcept;
  void look_after_adopted(time_point now);
  void look_after(worker& w, time_point now);
  bool adopted_has_request() noexcept;
  time_point adopted_due() noexcept;
  // Sleeps until one of the sets that it looks after has something to say. False: the kernel refuses.
  bool wait_with_adopted(time_point until) noexcept;
  time_point loop_due() noexcept;
  bool loop_watches() noexcept;
  // Something may be ready that nobody rings for: worth a look now and then.
  bool watches() const noexcept { return loop_used_.load(std::memory_order_relaxed) || readiness_->watches(); }

  runtime_core& runtime_;
  const int index_;
  scheduler::seat seat_;
  timer_heap timers_;
  context native_;
  std::atomic<actor_core*> running_{nullptr};  // written by this thread only
  // Nothing but a timer of its own could end its sleep, unless somebody calls it. Timers are not in it, as an actor
  // that goes on elsewhere takes its own away from here. Written by this thread before it announces a sleep, which
  // orders it: who finds the worker asleep sees it.
  std::atomic<bool> has_timers_only_{false};
  std::atomic<pid_t> thread_id_{0};  // written by this thread as it begins; nothing else goes by it
  after after_ = after::park;
  std::optional<lock_key> held_;  // with after::park_open, as is:
  interruptible interruptible_ = interruptible::no;
  worker* move_to_ = nullptr;  // with after::move
  // Counted down by this thread. The watchdog writes too: what it loses to the count it writes again a millisecond
  // later.
  std::atomic<unsigned> turns_until_look_{1};
  unsigned operations_ = 0;
  std::uint64_t next_id_ = 0, ids_end_ = 0;  // numbers reserved for actors that are made here
  std::atomic<std::ptrdiff_t> scoped_{0};    // written by this thread only; see count_scoped()
  // The same of waits. A sleep that is announced orders it, as has_timers_only_.
  std::atomic<std::ptrdiff_t> outside_{0};
  std::atomic<std::uint32_t> token_{
      0};             // biased_lock.h; written by its thread before it runs anything, a hint for others
  unsigned met_ = 0;  // weighted meetings at locks, halved at each look at the clock
  time_point search_began_{};
  time_point::duration search_span_{std::chrono::microseconds(50)};  // of the next search
  bool sent_away_ = false;       // actors were moved from here since the last idle moment
  bool helped_ = false;          // since then it has run what others had
  time_point helped_since_{};    // with helped_
  int brief_helps_ = 0;          // in a row that were not worth it
  time_point::duration rest_{};  // the last rest; shorter again when helping did not end in one
  time_point recent_{};
  time_point last_poll_{};    // of its set
  time_point fresh_since_{};  // fresh actors were last seen to be none, or the oldest one was put first
  // When something last fired, it was a descriptor. Relaxed: for the choice whether to search.
  std::atomic<bool> descriptors_fired_{false};
  // Some request has run. Written under loop_lock_; a hint without it.
  std::atomic<bool> loop_used_{false};

  // Adoption: adoption.h says who writes what.
  std::atomic<std::uint64_t> stuck_{0};
  time_point told_due_ = time_point::max();  // the watchdog's own: when the next timer was due at its last look
  small_lock adoption_lock_;
  std::atomic<worker*> adopter_{nullptr};
  std::atomic<int> adopted_{0};
  time_point looked_after_{};  // own: the last look at those it has adopted
  small_lock loop_lock_;       // of whoever uses the loop: the worker's own thread, or its adopter's
  const std::shared_ptr<readiness_set> readiness_;
  int doorbell_ = -1;
  uv_loop_t loop_{};
  // Never sent: a loop without a live handle would not look at its descriptors when it is run.
  uv_async_t keep_alive_{};
  std::thread thread_;
};

// To be read only in functions that are never inlined and begin with a compiler barrier, as those below: a caller that
// knew its address would keep it over a switch.
extern constinit thread_local worker* this_thread_worker;

// The worker whose thread this is; null on other threads. Never inlined, so that no caller keeps the address of the
// thread-local over a switch.
worker* current_worker_or_null() noexcept;
// In a forked child: its thread is no worker any more.
void leave_worker_behind() noexcept;
// REQUIRES: on a worker.
worker& current_worker() noexcept;

}  // namespace weir::internal
