// Counts the items of one actor of a stage, and says of which of them the call is measured: of one, chosen at random,
// in each group of items that follow one another. It stands for its group.
//
// A group is as large as what comes in 20 us, 1024 items at most: so of calls that take long each one is measured, of
// short ones few. How large it is depends on nothing but what was before it, and each item of it has the same chance.
// So if each measured call counts for its group, all calls count the same on average, however slow and fast ones
// alternate; a measured call that is slow makes those behind it measured more often, and count less.
//
// Thread-safety: one actor writes; items() is for everybody, and never goes back.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "weir/runtime/base/clock.h"

namespace weir::internal {

class item_count {
 public:
  // One more. True: it is the one of its group; next_group() comes before the next item. One subtraction an item: it
  // is in the way of all of them.
  [[gnu::always_inline]] bool add() noexcept {
    const std::uint64_t w = word_.load(std::memory_order_relaxed) - 1;
    word_.store(w, std::memory_order_relaxed);
    return (w & left_mask) == 0;
  }
  // After add() was true, which was at `at`. `each`: the next group is of one item.
  void next_group(time_point at, bool each) noexcept {
    stands_for_ = group_;
    const int behind = group_ - place_;  // items of its group that are still to come
    const std::int64_t passed = std::max<std::int64_t>(1, (at - last_).count());
    group_ = each ? 1 : static_cast<int>(std::clamp<std::int64_t>(step_ * aim / passed, 1, std::min(4 * group_, most)));
    place_ = 1 + static_cast<int>((random() * static_cast<std::uint64_t>(group_)) >> 32);
    step_ = behind + place_;
    last_ = at;
    const std::uint64_t next = (word_.load(std::memory_order_relaxed) >> left_bits) + static_cast<std::uint64_t>(step_);
    word_.store(next << left_bits | static_cast<std::uint64_t>(step_), std::memory_order_relaxed);
  }
  // For how many items the last one that was measured does.
  int stands_for() const noexcept { return stands_for_; }

  std::int64_t items() const noexcept {
    const std::uint64_t w = word_.load(std::memory_order_relaxed);
    return static_cast<std::int64_t>((w >> left_bits) - (w & left_mask));
  }

 private:
  static constexpr int left_bits = 11;
  static constexpr std::uint64_t left_mask = (1 << left_bits) - 1;
  static constexpr int most = 1024;            // so that what is left of one group and the next one fit into left_bits
  static constexpr std::int64_t aim = 20'000;  // nanoseconds

  // xorshift32 (Marsaglia 2003).
  std::uint64_t random() noexcept {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return random_;
  }

  // Written by the actor, read by everybody. Upper bits: how many items there will have been at the next one that is
  // measured; lower bits: how many of those are still to come. In one word, so that who reads it never sees one of the
  // two without the other. Relaxed: a figure, nothing is published through it.
  std::atomic<std::uint64_t> word_{1 << left_bits | 1};
  // The actor's alone: the present group, which item of it is measured, and how many items after the last measured one.
  int group_ = 1, place_ = 1, step_ = 1, stands_for_ = 1;
  std::uint32_t random_ = 0x9e3779b9;
  time_point last_{};
};

}  // namespace weir::internal
