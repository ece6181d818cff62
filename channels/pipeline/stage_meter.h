// What a stage counts while it runs.
//
// Thread-safety: one actor writes a meter; everybody may read it at any time. The figures of one meter are not of one
// moment.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir::internal {

// Durations in buckets of a quarter of a power of two: a percentile is right within a fifth.
class latency_buckets {
 public:
  static constexpr std::size_t count = 4 * 60;

  void add(std::chrono::nanoseconds d) noexcept {
    std::atomic<std::uint32_t>& b = buckets_[index(d)];
    b.store(b.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // one writer
  }
  void add_to(std::array<std::uint64_t, count>& sums) const noexcept {
    for (std::size_t i = 0; i < count; ++i) sums[i] += buckets_[i].load(std::memory_order_relaxed);
  }
  // The middle of a bucket, in nanoseconds.
  static double value(std::size_t bucket) noexcept {
    const double octave = static_cast<double>(std::uint64_t{1} << (bucket / 4));
    return octave * (1 + (static_cast<double>(bucket % 4) + 0.5) / 4);
  }

 private:
  static std::size_t index(std::chrono::nanoseconds d) noexcept {
    const std::uint64_t ns = d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 1;
    const auto octave = static_cast<std::size_t>(std::bit_width(ns) - 1);
    const std::size_t quarter = octave >= 2 ? (ns >> (octave - 2)) & 3 : (ns << (2 - octave)) & 3;
    const std::size_t i = octave * 4 + quarter;
    return i < count ? i : count - 1;
  }

  std::array<std::atomic<std::uint32_t>, count> buckets_{};
};

// Relaxed throughout: these are figures, nothing is published through them.
struct alignas(64) stage_meter {
  class counter {
   public:
    void add(std::int64_t n) noexcept { n_.store(get() + n, std::memory_order_relaxed); }  // one writer
    std::int64_t get() const noexcept { return n_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::int64_t> n_{0};
  };

  // One more item came in. True: its call is to be measured. One subtraction an item: it is in the way of all of them.
  [[gnu::always_inline]] bool count_in() noexcept {
    const int left = left_.load(std::memory_order_relaxed) - 1;
    left_.store(left, std::memory_order_relaxed);
    return left == 0;
  }
  // After count_in() was true: after how many items it is true again.
  void measure_in(int items) noexcept {
    counted_.add(period_.load(std::memory_order_relaxed));
    period_.store(items, std::memory_order_relaxed);
    left_.store(items, std::memory_order_relaxed);
  }
  // It is true again after so many from now on.
  void measure_soon(int items) noexcept {
    counted_.add(period_.load(std::memory_order_relaxed) - left_.load(std::memory_order_relaxed));
    period_.store(items, std::memory_order_relaxed);
    left_.store(items, std::memory_order_relaxed);
  }
  std::int64_t in() const noexcept {
    return counted_.get() + period_.load(std::memory_order_relaxed) - left_.load(std::memory_order_relaxed);
  }

  counter out;  // put into the queue of the next stage; if that has none, its `in` says it
  counter errors, retries;
  counter starved, blocked;  // nanoseconds of waiting for input, and to get rid of output
  latency_buckets latency;   // of calls of the stage's function; a sample, if they are short

 private:
  counter counted_;
  std::atomic<int> period_{1}, left_{1};
};

}  // namespace weir::internal
