// A vector clock: for every simulated thread, how much of its past is known to have happened before.
//
// Thread-safety: none needed, an exploration lives on one OS thread.
// Origin: C. Fidge and F. Mattern (1988); used for races as in DJIT+, E. Pozniansky and A. Schuster (PPoPP 2003).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace explorer {

// The set-up and the final checks are thread 0 ("main"), the threads of a run are 1 to 7.
inline constexpr std::size_t max_threads = 8;

class vector_clock {
 public:
  constexpr std::uint32_t& operator[](std::size_t thread) noexcept { return time_[thread]; }
  constexpr std::uint32_t operator[](std::size_t thread) const noexcept { return time_[thread]; }

  void join(const vector_clock& other) noexcept {
    for (std::size_t i = 0; i < max_threads; ++i) time_[i] = std::max(time_[i], other.time_[i]);
  }

  // The first thread with something in `other` that this clock does not know of, or -1.
  int first_not_covered(const vector_clock& other) const noexcept {
    for (std::size_t i = 0; i < max_threads; ++i)
      if (other.time_[i] > time_[i]) return static_cast<int>(i);
    return -1;
  }

 private:
  std::array<std::uint32_t, max_threads> time_{};
};

}  // namespace explorer
