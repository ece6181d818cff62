// The buffer of a channel: a fixed ring of cells, in which a value is built by a move and left by a move.
//
// Thread-safety: under the channel's lock, but for length(), which is a hint without it, and for retire() and
// destroy(), which run outside it.
//
// What a receive leaves in the cell is a moved-from shell, and its destructor is user code: it must not run under the
// lock. So take() only moves; the receiver destroys the shell after it let the lock go, and then hands the cell back.
// Types that are trivially destructible have no such state.
//
// Invariants:
//  1. Values lie in the cells head_ to head_ + length_ - 1, around the end. length_ <= capacity.
//  2. A cell's state: free -take-> leaving -retire-> free, and leaving -room-> wanted -release-> free. Only the
//  receiver
//     that took the value makes it free. From `wanted` it learns that a sender was turned away; it frees such a cell
//     under the lock and serves that sender first, so that nobody who came later gets in between.
//  3. There are some cells more than the capacity, so that `wanted` is rare.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

template <class T>
class slot_ring {
 public:
  explicit slot_ring(std::size_t capacity)
      : capacity_(capacity),
        cell_count_(has_shells && capacity > 0 ? capacity + spare_cells : capacity),
        cells_(cell_count_ ? std::make_unique<cell[]>(cell_count_) : nullptr) {}
  slot_ring(const slot_ring&) = delete;
  slot_ring& operator=(const slot_ring&) = delete;
  ~slot_ring() { destroy(empty()); }

  std::size_t length() const noexcept { return length_.load(std::memory_order_relaxed); }
  std::size_t capacity() const noexcept { return capacity_; }

  // A value can be pushed. False because a shell is in the way: its receiver is told to look for senders afterwards.
  bool room() noexcept { return length() < capacity_ && vacant(); }
  // The next cell is free, though there may be as many values as there may be.
  bool vacant() noexcept {
    if constexpr (has_shells) {
      atomic<std::uint8_t>& state = cells_[tail_].state;
      // Acquire pairs with the release in retire() and release(): the shell is gone before the next value is built.
      if (state.load(std::memory_order_acquire) != free_cell) {
        std::uint8_t expected = leaving;
        if (state.compare_exchange_strong(expected, wanted, std::memory_order_acq_rel) || expected == wanted)
          return false;
      }
    }
    return true;
  }

  // REQUIRES: room().
  void push(T&& value) noexcept {
    ::new (static_cast<void*>(cells_[tail_].bytes)) T(std::move(value));
    advance(tail_);
    set_length(length() + 1);
  }

  // A cell whose shell the receiver has to retire, or none.
  class shell {
   public:
    explicit operator bool() const noexcept { return index_ != none; }

   private:
    friend class slot_ring;
    static constexpr std::size_t none = ~std::size_t{0};
    std::size_t index_ = none;
  };

  // Moves the oldest value out. REQUIRES: length() > 0.
  shell take(std::optional<T>& out) noexcept {
    shell s;
    out.emplace(std::move(cells_[head_].value()));
    if constexpr (has_shells) {
      // Relaxed: only those who hold the lock read it before retire().
      cells_[head_].state.store(leaving, std::memory_order_relaxed);
      s.index_ = head_;
    }
    advance(head_);
    set_length(length() - 1);
    return s;
  }

  // Not under the lock: destroys the shell. False: a sender was turned away meanwhile and may be waiting; then the cell
  // is not free before release(), so that nobody comes between.
  bool retire(shell s) noexcept {
    if constexpr (has_shells) {
      cells_[s.index_].value().~T();
      std::uint8_t expected = leaving;
      return cells_[s.index_].state.compare_exchange_strong(expected, free_cell, std::memory_order_acq_rel);
    }
    return true;
  }
  // After retire() said false; under the lock.
  void release([[maybe_unused]] shell s) noexcept {
    if constexpr (has_shells) cells_[s.index_].state.store(free_cell, std::memory_order_release);
  }

  // All values that are in the ring now, to be destroyed outside the lock.
  struct contents {
    std::size_t head = 0;
    std::size_t length = 0;
  };
  contents empty() noexcept {
    const contents all{std::exchange(head_, tail_), length()};
    set_length(0);
    return all;
  }
  // Not under the lock: oldest first. REQUIRES: nothing is pushed any more.
  void destroy(contents c) noexcept {
    for (; c.length > 0; --c.length, advance(c.head)) cells_[c.head].value().~T();
  }

 private:
  static constexpr bool has_shells = !std::is_trivially_destructible_v<T>;
  static constexpr std::size_t spare_cells = explored ? 0 : 4;
  static constexpr std::uint8_t free_cell = 0, leaving = 1, wanted = 2;

  struct no_state {};
  struct cell {
    alignas(T) std::byte bytes[sizeof(T)];
    [[no_unique_address]] std::conditional_t<has_shells, atomic<std::uint8_t>, no_state> state{};
    T& value() noexcept { return *std::launder(reinterpret_cast<T*>(bytes)); }
  };

  void advance(std::size_t& index) const noexcept {
    if (++index == cell_count_) index = 0;
  }

  void set_length(std::size_t n) noexcept { length_.store(n, std::memory_order_relaxed); }

  const std::size_t capacity_;
  const std::size_t cell_count_;
  const std::unique_ptr<cell[]> cells_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  // Written under the lock; a select reads it without, to see where a try is worth its while. Relaxed: stale is fine,
  // as nothing is decided by it. Not the explorer's atomic: there hints are made up (select_case.h).
  std::atomic<std::size_t> length_{0};
};

}  // namespace weir::internal
