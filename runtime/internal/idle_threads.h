// Threads of the process that are no workers, and from which nothing is to be expected: plain threads that are parked
// in weir without a deadline, and threads that never use weir.
//
// Thread-safety: all of it. One per process.
//
// Invariants:
//  1. A parked thread is counted after its wait is committed as parked, and taken out by its waker, before it can go
//  on.
//     So while it is counted it does nothing; a waker that comes before the thread has counted itself makes the sum one
//     too low for a moment, which only looks like one more thread that is busy.
//  2. The lower half of word_ is the count, signed; the upper half rises with each one that is taken out. Who has read
//  the
//     same upper half twice knows that all that were counted at the first look were parked all the time in between.
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
  // See invariant 2. Sequentially consistent, as its changes and in_doubt (quiescence.h) are looked at crosswise.
  std::atomic<std::int64_t> word_{0};
  std::atomic<std::int32_t> apart_{0};  // raised and lowered by the threads themselves
};

inline constinit idle_threads idle_threads_of_process;

}  // namespace weir::internal
