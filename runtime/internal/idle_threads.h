// Threads of the process that are no workers, and from which nothing is to be expected: plain threads that are parked
// in weir without a deadline, threads of pools that have no job, and threads that never use weir.
//
// Thread-safety: all of it. One per process.
//
// Invariants:
//  1. A parked thread is counted after its wait is committed as parked, and taken out by its waker, before it can go
//     on. So while it is counted it does nothing; a waker that comes before the thread has counted itself makes the sum
//     one too low for a moment, which only looks like one more thread that is busy.
//  2. The lower half of word_ is the count, signed; the upper half rises with each one that is taken out. Who has read
//     the same upper half twice knows that all that were counted at the first look were parked all the time in between.
//  3. A pool's thread is counted while it is in the pool's list of idle ones. Who takes it out, takes it out of the
//     count under the same lock: who pushes a job, or the thread itself, before it ends. While it has a job it is not
//     counted, wherever it waits: so a job that has begun is something that may still wake somebody, and one in line
//     has a thread that is busy, or a pusher that is no idle thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::internal {

class idle_threads {
 public:
  struct census {
    std::int32_t parked;
    std::uint32_t departures;
  };

  // The calling thread, whose wait is parked.
  void park() noexcept { word_.fetch_add(1, std::memory_order_seq_cst); }
  // Its waker, before the thread can know. Release: what the waker does next, going idle for one, comes after it.
  void unpark() noexcept { word_.fetch_add((std::int64_t{1} << 32) - 1, std::memory_order_seq_cst); }

  census count() const noexcept {
    const std::int64_t seen = word_.load(std::memory_order_seq_cst);
    const auto parked = static_cast<std::int32_t>(seen);
    return {parked, static_cast<std::uint32_t>((seen - parked) >> 32)};
  }

  // A thread that never uses weir, so that nobody waits for what it does; of tests and tools.
  void add_apart() noexcept { apart_.fetch_add(1, std::memory_order_seq_cst); }
  void remove_apart() noexcept { apart_.fetch_sub(1, std::memory_order_seq_cst); }
  std::int32_t apart() const noexcept { return apart_.load(std::memory_order_seq_cst); }

  // In a forked child, which has one thread.
  void reset() noexcept {
    word_.store(0, std::memory_order_relaxed);
    apart_.store(0, std::memory_order_relaxed);
  }

 private:
  // See invariant 2. Sequentially consistent, as its changes and in_doubt are looked at crosswise.
  std::atomic<std::int64_t> word_{0};
  std::atomic<std::int32_t> apart_{0};  // raised and lowered by the threads themselves
};

inline constinit idle_threads idle_threads_of_process;

// Set from before a look for life (quiescence.h) until one finds it in the runtimes: threads that park, and so may be
// the last ones, then ask for another look; so do those whose wait for an event from outside is over
// (outside_events.h). Seq_cst: either such a thread sees it, or the look has seen the thread parked, or its wait over.
inline constinit std::atomic<bool> in_doubt{false};

// Has every watchdog look for a deadlock again, soon: something has come to rest of which no worker knows. In
// process.cc.
void look_for_deadlocks_again() noexcept;

// For a thread that has counted itself as parked, or its wait as over. REQUIRES: no lock is held.
inline void look_again_if_in_doubt() noexcept {
  // One of them asks; the look sets it anew.
  if (in_doubt.load(std::memory_order_seq_cst) && in_doubt.exchange(false, std::memory_order_seq_cst))
    look_for_deadlocks_again();
}

}  // namespace weir::internal
