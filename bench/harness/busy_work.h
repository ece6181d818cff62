// A job of a known length, for the pool workload.
//
// Thread-safety: all of it.
#pragma once

#include <chrono>
#include <cstdint>

namespace bench {

// So many steps of arithmetic that nothing can shorten; returns what they come to.
inline std::uint64_t busy_work(std::int64_t steps, std::uint64_t seed) noexcept {
  for (std::int64_t i = 0; i < steps; ++i) seed = seed * 6364136223846793005u + 1442695040888963407u;
  return seed;
}

// How many steps last `length` on an otherwise idle core: the quickest of five tries. A job counts steps and not the
// clock, so that being preempted costs it something.
inline std::int64_t steps_that_last(std::chrono::nanoseconds length) {
  constexpr std::int64_t tried = 20'000'000;
  std::chrono::nanoseconds quickest = std::chrono::hours(1);
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    volatile std::uint64_t sink = busy_work(tried, static_cast<std::uint64_t>(i));
    static_cast<void>(sink);
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
    if (took < quickest) quickest = took;
  }
  return tried * length.count() / quickest.count();
}

}  // namespace bench
