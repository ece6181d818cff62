// OS threads that run jobs off the workers: calls that wait (weir::blocking) and CPU work (offload, submit).
//   pool_job   something to run; lives with whoever wants it done
//   job_pool   the line of jobs, and the threads, started as jobs come
//
// Thread-safety: all of it but construction and stop().
//
// The life of a job: push() puts it into the line; a thread takes it out, runs it, and calls its finish(), which is the
// last touch of it. Only while it is in the line can it be taken back: then finish() is not called. When the pool
// stops, what is in the line is finished without having been run.
//
// The bound counts places. Who wants one while none is free parks; whoever takes a job with a place out of the line
// hands the place to the longest-waiting one, so nobody passes it. Jobs without a place (their owner waits for them
// anyway) do not count.
//
// A thread takes the next job out of the line before it finishes the one it has run. So it knows whether it goes on,
// and whoever finish() wakes need not be called at once (result_rounds.h).
//
// Invariants:
//  1. A thread is busy, or in idle_, or called: out of idle_ and about to look into the line. Who pushes a job calls an
//     idle thread or starts one, if there may be one more; so no job waits beside an idle thread.
//  2. pending() is lowered after finish(): while it is zero no job of this pool can wake anybody.
//  3. A thread that has ended is joined by the next one to end, or by stop().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>

#include "weir/runtime/base/clock.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/pool_stats.h"
#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

struct pool_job {
  using run_function = void(pool_job&) noexcept;
  using finish_function = void(pool_job&, bool ran) noexcept;

  pool_job(run_function* r, finish_function* f) noexcept : run(r), finish(f) {}
  pool_job(const pool_job&) = delete;
  pool_job& operator=(const pool_job&) = delete;

  run_function* const run;
  // Tells its owner that it is over; after that it may be gone. `ran`: false if the pool stopped before it began.
  finish_function* const finish;

  // Guarded by the pool's lock.
  pool_job* before = nullptr;
  pool_job* after = nullptr;
  bool in_line = false;
  bool has_place = false;
  time_point since{};  // when it was pushed
};

struct job_pool_settings {
  const char* thread_name;  // at most 15 characters
  int most_threads = 1;
  std::size_t bound = std::numeric_limits<std::size_t>::max();        // places
  int nice = 0;                                                       // added to that of who makes the pool
  std::chrono::nanoseconds linger = std::chrono::nanoseconds::max();  // how long a thread without a job stays
};

// For CPU work: as the runtime's own pool and every cpu_pool have them.
inline job_pool_settings for_cpu_work(int threads, std::size_t bound) noexcept {
  return {.thread_name = "weir-cpu", .most_threads = threads, .bound = bound, .nice = 5};
}

class job_pool {
 public:
  explicit job_pool(const job_pool_settings& settings) noexcept;
  job_pool(const job_pool&) = delete;
  ~job_pool();  // stop()

  enum class placed : std::uint8_t { yes, timeout, cancelled, stopped };
  // Takes a place, for push_placed() or release_place(). Parks while there is none; a thread that takes a job wakes.
  // One of the pool's own threads does not wait, as that could be for itself: it gets one beyond the bound.
  placed take_place(interruptible i, deadline limit);
  bool try_take_place() noexcept;
  void release_place() noexcept;

  // Puts a job into the line. Throws std::system_error if there is no thread and none can be started; nothing has
  // happened then, but that push_placed() has released the place. A stopped pool finishes it at once.
  void push(pool_job& j) { push(j, false); }
  void push_placed(pool_job& j) { push(j, true); }
  // True: the job had not begun and never will.
  bool take_back(pool_job& j) noexcept;

  // Finishes what is in the line without running it, waits for what runs (parks), and ends the threads.
  void stop() noexcept;

  pool_stats stats() noexcept;
  int most_threads() const noexcept { return settings_.most_threads; }
  // Jobs in the line or running. Acquire pairs with the release after finish().
  std::size_t pending() const noexcept { return pending_.load(std::memory_order_acquire); }
  // The calling thread is one of this pool's.
  bool on_own_thread() const noexcept;
  // It was made before fork(), by a parent of this process.
  bool forked() const noexcept { return mark_.foreign(); }

  // What the calling thread wakes need not be called at once: it belongs to a pool whose line is not empty.
  static bool goes_on() noexcept;
  // The calling thread is one of some pool's, with a job.
  static bool runs_job() noexcept;

 private:
  struct member;

  void push(pool_job& j, bool has_place);
  void start_thread();
  void serve(member& self) noexcept;
  bool sleep_idle(member& self) noexcept;
  void retire(member& self) noexcept;
  pool_job* pop_locked(time_point at, wait_node** woken) noexcept;
  void unlink_locked(pool_job& j) noexcept;
  wait_node* release_place_locked() noexcept;

  const job_pool_settings settings_;
  const int nice_;
  const process_mark mark_;

  small_lock lock_;
  // Guarded by lock_.
  pool_job* first_ = nullptr;
  pool_job* last_ = nullptr;
  std::size_t places_ = 0;  // of jobs in the line, and handed to those who are about to push one
  wait_list wanting_;       // who waits for a place
  // The latest one first, so that those that are not needed come to their end. Its members, and no others, are counted
  // in idle_threads_of_process.
  member* idle_ = nullptr;
  member* members_ = nullptr;
  std::unique_ptr<member> ended_;  // not joined yet
  int live_ = 0;                   // in members_, or about to be
  bool stopping_ = false;
  pool_stats stats_;

  // Length of the line: written under lock_; others read it as a hint.
  atomic<std::size_t> length_{0};
  atomic<std::size_t> pending_{0};  // raised by push(), lowered by whoever finished or took back
  event all_ended_;                 // stopping, and the last thread has left
};

}  // namespace weir::internal
