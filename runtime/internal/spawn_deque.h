// A worker's actors that have not run yet: its owner takes the newest, thieves the oldest.
//
// So a tree of actors is run in depth, and few are alive at once, on warm stacks; and a thief gets a large part of it.
//
// Thread-safety: push, pop_newest: the owner. steal_oldest: anyone. size: anyone, stale at once.
//
// Invariants:
//  1. The items lie in the slots oldest_ to end_ - 1 (modulo capacity). While the owner takes the newest, end_ may be
//     one too low, by which a thief finds less than there is.
//  2. Only the owner writes end_ and the slots. oldest_ only grows; who moves it by a compare-exchange owns the item
//     passed.
//  3. The owner lowers end_ and then looks at oldest_, a thief looks at oldest_ and then at end_, all seq_cst: so of
//     the two that reach for the same item at least one sees the other, and only the last item needs a
//     compare-exchange.
//
// Origin: D. Chase, Y. Lev, "Dynamic circular work-stealing deque" (SPAA 2005), without the growing.
#pragma once

#include <array>
#include <cstdint>

#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/plant.h"

namespace weir::internal {

template <class T>
class spawn_deque {
 public:
  static constexpr std::uint32_t capacity = explored ? 4 : 256;

  // False if it is full. The store of end_ is seq_cst, as in run_ring.
  bool push(T& item) noexcept {
    const std::uint32_t end = end_.load(std::memory_order_relaxed);  // own
    // Acquire pairs with a thief's compare-exchange: it has read the slot that is written now.
    if (end - oldest_.load(std::memory_order_acquire) == capacity) return false;
    slots_[end % capacity].store(&item, std::memory_order_relaxed);
    end_.store(end + 1, std::memory_order_seq_cst);
    return true;
  }

  T* pop_newest() noexcept {
    const std::uint32_t end = end_.load(std::memory_order_relaxed);      // own
    if (end == oldest_.load(std::memory_order_relaxed)) return nullptr;  // nobody but the owner could add one
    const std::uint32_t last = end - 1;
    std::uint32_t oldest = 0;
    if (planted(bug::deque_early_look)) oldest = oldest_.load(std::memory_order_seq_cst);
    end_.store(last, std::memory_order_seq_cst);
    if (!planted(bug::deque_early_look)) oldest = oldest_.load(std::memory_order_seq_cst);
    const auto left = static_cast<std::int32_t>(last - oldest);
    T* item = left >= 0 ? slots_[last % capacity].load(std::memory_order_relaxed) : nullptr;
    if (left > 0) return item;
    // The last one, or it is gone.
    if (planted(bug::deque_last_unclaimed)) {
      if (left == 0) oldest_.store(oldest + 1, std::memory_order_seq_cst);
    } else if (left == 0 && !oldest_.compare_exchange_strong(oldest, oldest + 1, std::memory_order_seq_cst,
                                                             std::memory_order_relaxed)) {
      item = nullptr;
    }
    end_.store(end, std::memory_order_release);  // empty: what a thief then reads as the oldest is not below end_
    return item;
  }

  // The same two for an owner without thieves.
  bool push_alone(T& item) noexcept {
    const std::uint32_t end = end_.load(std::memory_order_relaxed);
    if (end - oldest_.load(std::memory_order_relaxed) == capacity) return false;
    slots_[end % capacity].store(&item, std::memory_order_relaxed);
    end_.store(end + 1, std::memory_order_relaxed);
    return true;
  }
  T* pop_newest_alone() noexcept {
    const std::uint32_t end = end_.load(std::memory_order_relaxed);
    if (end == oldest_.load(std::memory_order_relaxed)) return nullptr;
    end_.store(end - 1, std::memory_order_relaxed);
    return slots_[(end - 1) % capacity].load(std::memory_order_relaxed);
  }

  // Null if there is nothing, or only what the owner is about to take.
  T* steal_oldest() noexcept {
    std::uint32_t oldest = oldest_.load(std::memory_order_seq_cst);
    for (;;) {
      // Pairs with the store in push(): the slots below end_ are written, and the items behind them.
      const std::uint32_t end = end_.load(std::memory_order_seq_cst);
      if (static_cast<std::int32_t>(end - oldest) <= 0) return nullptr;
      T* const item = slots_[oldest % capacity].load(std::memory_order_relaxed);
      if (oldest_.compare_exchange_weak(oldest, oldest + 1, std::memory_order_seq_cst, std::memory_order_seq_cst))
        return item;
    }
  }

  // Seq_cst: as in run_ring.
  std::uint32_t size() const noexcept {
    const std::uint32_t end = end_.load(std::memory_order_seq_cst);
    const std::uint32_t oldest = oldest_.load(std::memory_order_seq_cst);
    return end - oldest <= capacity ? end - oldest : 0;
  }

 private:
  // Apart from each other: thieves write oldest_, the owner end_.
  alignas(64) atomic<std::uint32_t> oldest_{0};  // written by whoever takes the oldest, or the last
  alignas(64) atomic<std::uint32_t> end_{0};     // written by the owner
  std::array<atomic<T*>, capacity> slots_{};     // written by the owner; read by all
};

}  // namespace weir::internal
