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

#include "weir/channels/pipeline/item_count.h"
#include "weir/runtime/base/clock.h"

namespace weir::internal {

// Durations in buckets of a quarter of a power of two: a percentile is right within a fifth.
class latency_buckets {
 public:
  static constexpr std::size_t count = 4 * 45;  // up to 9 hours

  // `calls`: for how many it stands.
  void add(std::chrono::nanoseconds d, int calls) noexcept {
    std::atomic<std::uint64_t>& b = buckets_[index(d)];
    b.store(b.load(std::memory_order_relaxed) + static_cast<unsigned>(calls), std::memory_order_relaxed);  // one writer
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

  std::array<std::atomic<std::uint64_t>, count> buckets_{};
};

// Relaxed throughout: these are figures, nothing is published through them.
class meter_counter {
 public:
  void add(std::int64_t n) noexcept { n_.store(get() + n, std::memory_order_relaxed); }  // one writer
  void set(std::int64_t n) noexcept { n_.store(n, std::memory_order_relaxed); }
  std::int64_t get() const noexcept { return n_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> n_{0};
};

// Time spent waiting, that of a wait that goes on included.
class meter_wait {
 public:
  // From its making to its end its owner waits.
  class span {
   public:
    explicit span(meter_wait& of) noexcept : of_(of), begun_(now()) {
      of_.since_.set(begun_.time_since_epoch().count());
    }
    span(const span&) = delete;
    ~span() {
      of_.since_.set(0);  // first: better that somebody who looks misses this wait than that he counts it twice
      of_.ended_.add((now() - begun_).count());
    }

   private:
    meter_wait& of_;
    const time_point begun_;
  };

  bool goes_on() const noexcept { return since_.get() != 0; }
  std::chrono::nanoseconds total(time_point until) const noexcept {
    const std::int64_t ended = ended_.get(), since = since_.get();
    const std::int64_t so_far = since != 0 ? until.time_since_epoch().count() - since : 0;
    return std::chrono::nanoseconds(ended + (so_far > 0 ? so_far : 0));
  }

 private:
  meter_counter ended_;  // nanoseconds
  meter_counter since_;  // when the wait that goes on began; 0: none does
};

struct alignas(64) stage_meter {
  // An actor that runs the stage, from its making to its end.
  class duty {
   public:
    explicit duty(stage_meter& m) noexcept : meter_(m) { meter_.on_duty.store(true, std::memory_order_relaxed); }
    duty(const duty&) = delete;
    ~duty() { meter_.on_duty.store(false, std::memory_order_relaxed); }

   private:
    stage_meter& meter_;
  };

  item_count in;
  meter_counter out;  // put into the queue of the next stage; if that has none, its `in` says it
  meter_counter errors, retries;
  meter_counter settled;          // of an ordered stage: items whose results have gone on
  meter_counter bytes, of_bytes;  // of a source that reads a file: how much it has read, of how much
  meter_wait starved, blocked;    // waiting for input, and to get rid of output
  std::atomic<bool> on_duty{false};
  latency_buckets latency;  // of calls of the stage's function, those that failed included; item_count.h says which
};

}  // namespace weir::internal
