// A worker's own run queue: a fixed ring that its owner fills and empties, and from which thieves take half.
//
// Thread-safety: push, pop: the owner. steal_into: any other worker, into its own ring. size: anyone, stale at once.
//
// Invariants:
//  1. The items lie in the slots head_ to tail_ - 1 (modulo capacity), oldest at head_. 0 <= tail_ - head_ <= capacity.
//  2. Only the owner writes tail_ and the slots at and past it. Whoever moves head_ by a compare-exchange owns the
//     items passed.
//  3. A slot is read before the compare-exchange that claims it; if that fails, what was read is forgotten.
//
// Origin: the local run queues of the Go scheduler (runtime/proc.go, runqput, runqget, runqgrab).
#pragma once

#include <array>
#include <cstdint>

#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/plant.h"

namespace weir::internal {

template <class T>
class run_ring {
 public:
  static constexpr std::uint32_t capacity = explored ? 4 : 256;

  // False if it is full. The store of tail_ is seq_cst, as it is the waker's half of the handshake with workers that
  // fall asleep (idle_workers.h): publish, then look for sleepers.
  bool push(T& item) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);  // own
    // Acquire pairs with the release of a thief's compare-exchange: it has read the slot that is written now.
    if (tail - head_.load(std::memory_order_acquire) == capacity) return false;
    if (planted(bug::ring_early_tail)) tail_.store(tail + 1, std::memory_order_relaxed);
    slots_[tail % capacity].store(&item, std::memory_order_relaxed);
    if (!planted(bug::ring_early_tail)) tail_.store(tail + 1, std::memory_order_seq_cst);
    return true;
  }

  T* pop() noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);  // own
    std::uint32_t head = head_.load(std::memory_order_acquire);
    while (head != tail) {
      T* const item = slots_[head % capacity].load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel, std::memory_order_acquire))
        return item;
    }
    return nullptr;
  }

  // The same two for an owner without thieves (a runtime of one worker): nobody is to be shut out, and nobody falls
  // asleep over it.
  bool push_alone(T& item) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_relaxed) == capacity) return false;
    slots_[tail % capacity].store(&item, std::memory_order_relaxed);
    tail_.store(tail + 1, std::memory_order_relaxed);
    return true;
  }
  T* pop_alone() noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_relaxed)) return nullptr;
    head_.store(head + 1, std::memory_order_relaxed);
    return slots_[head % capacity].load(std::memory_order_relaxed);
  }

  // Takes half of this ring, rounded up: one is returned, the others are put into `mine`. REQUIRES: `mine` is the
  // caller's own and empty. Null if there is nothing.
  T* steal_into(run_ring& mine) noexcept {
    std::uint32_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      // Acquire pairs with the store in push(): the slots up to tail are written, and the items behind them.
      const std::uint32_t tail = tail_.load(std::memory_order_acquire);
      const std::uint32_t size = tail - head;
      if (size == 0) return nullptr;
      if (size > capacity) {  // head was read long before tail
        head = head_.load(std::memory_order_acquire);
        continue;
      }
      const std::uint32_t count = size - size / 2;
      const std::uint32_t end = mine.tail_.load(std::memory_order_relaxed);
      for (std::uint32_t i = 0; i + 1 < count; ++i)
        mine.slots_[(end + i) % capacity].store(slots_[(head + i) % capacity].load(std::memory_order_relaxed),
                                                std::memory_order_relaxed);
      T* item = slots_[(head + count - 1) % capacity].load(std::memory_order_relaxed);
      const std::uint32_t last = head + count - 1;
      if (!head_.compare_exchange_weak(head, head + count, std::memory_order_acq_rel, std::memory_order_acquire))
        continue;
      if (planted(bug::ring_late_read)) item = slots_[last % capacity].load(std::memory_order_relaxed);
      if (count > 1) mine.tail_.store(end + count - 1, std::memory_order_seq_cst);
      return item;
    }
  }

  // Seq_cst: a worker that falls asleep looks here after it has announced itself.
  std::uint32_t size() const noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_seq_cst);
    const std::uint32_t head = head_.load(std::memory_order_seq_cst);
    return tail - head <= capacity ? tail - head : 0;
  }

 private:
  // Apart from each other: thieves write head_, the owner tail_.
  alignas(64) atomic<std::uint32_t> head_{0};  // written by whoever takes; read by all
  alignas(64) atomic<std::uint32_t> tail_{0};  // written by the owner (and by nobody else for it); read by all
  std::array<atomic<T*>, capacity> slots_{};   // written by the owner; read by all, torn by none
};

}  // namespace weir::internal
