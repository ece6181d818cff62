// When a sleeping worker looks for what busy pools have finished: in rounds, instead of at a bell for each job.
//
// Thread-safety: all of it.
//
// A bell that wakes a core costs as much as a short job. So while results come thick, a worker that goes to sleep
// promises to look again after `length`, and the threads of pools that have more to do publish what they wake and ring
// no bell. Nothing waits longer for that than `length`, however long the next job takes. A pool that runs out of jobs
// rings as ever. As such a pool uses every core, workers then do not search before they sleep, and one that has time to
// sleep calls no other for help.
//
// The handshake, in one order of all seq_cst operations, beside that of idle_workers.h:
//   pool thread: publishes the actor (seq_cst)       worker: promises (seq_cst read-modify-write)
//                reads promised_ (seq_cst)                   looks at every source, sleeps at most `length`
//                                                            keeps the promise (seq_cst store)
//                                                            looks at every source before it sleeps again
// A thread that reads `promised` has published before the worker kept its promise, so the look after that finds it.
//
// Origin: interrupt moderation of network drivers.
#pragma once

#include <chrono>
#include <mutex>

#include "weir/runtime/base/clock.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

class result_rounds {
 public:
  static constexpr std::chrono::nanoseconds length = std::chrono::milliseconds(1);

  // Pool thread that goes on, after a seq_cst publication. True: a worker will look soon. False: call one.
  bool arrived() noexcept {
    count_.fetch_add(1, std::memory_order_relaxed);  // read in dense(), where a late one only counts later
    return promised_.load(std::memory_order_seq_cst);
  }

  // Worker with nothing to do: results come so thick that rounds are worth while.
  bool dense(time_point at) noexcept {
    // Relaxed: a stale answer costs a bell or a look that was not needed.
    if (count_.load(std::memory_order_relaxed) == 0 && !dense_.load(std::memory_order_relaxed)) return false;
    std::lock_guard guard(lock_);
    const auto gone = at - since_;
    if (gone >= length) {
      const unsigned count = count_.exchange(0, std::memory_order_relaxed);
      dense_.store(count * length >= thick * gone, std::memory_order_relaxed);
      since_ = at;
    }
    return dense_.load(std::memory_order_relaxed);
  }

  // Worker that has work: whether the last answer of dense() was yes; it lapses when no worker has been idle for long.
  bool still_dense() const noexcept { return dense_.load(std::memory_order_relaxed); }
  void still_busy(time_point at) noexcept {
    if (!still_dense()) return;
    std::lock_guard guard(lock_);
    if (at - since_ > 2 * length) dense_.store(false, std::memory_order_relaxed);
  }

  // Worker that goes to sleep, before it looks at every source. True: it must look again after `length` at most, and
  // then keep(). False: another one has promised already.
  bool promise() noexcept { return !promised_.exchange(true, std::memory_order_seq_cst); }
  void keep() noexcept { promised_.store(false, std::memory_order_seq_cst); }

 private:
  static constexpr int thick = 4;  // results in `length`

  small_lock lock_;
  time_point since_{};            // start of the count; guarded by lock_
  atomic<bool> dense_{false};     // written under lock_
  atomic<unsigned> count_{0};     // results since since_; raised by pool threads
  atomic<bool> promised_{false};  // written by the worker that promised
};

}  // namespace weir::internal
