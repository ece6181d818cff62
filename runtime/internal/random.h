// The one random source, for choices that must be fair and need not be secret. A simulator seeds it.
//
// Thread-safety: a generator belongs to one thread at a time; thread_random() gives the calling thread's own.
#pragma once

#include <cstdint>

namespace weir::internal {

// Origin: xorshift64*, S. Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2016).
class random_source {
 public:
  explicit random_source(std::uint64_t seed) noexcept : state_(seed | 1) {}

  std::uint32_t next() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<std::uint32_t>((state_ * 0x2545F4914F6CDD1DULL) >> 32);
  }
  // 0 <= result < bound, with a bias below bound / 2^32. REQUIRES: bound > 0.
  std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{next()} * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

random_source& thread_random() noexcept;

}  // namespace weir::internal
