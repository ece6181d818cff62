// The buffer of a channel: a ring of cells, in which a value is built by a move and left by a move.
//
// Thread-safety: under the channel's lock, but for what says otherwise, and for length() and limit(), which are hints
// without it.
//
// What a receive leaves in the cell is a moved-from shell, and its destructor is user code: it must not run under the
// lock. So a take only moves; the receiver destroys the shell after it let the lock go, and then hands the cell back.
// Types that are trivially destructible have no such state.
//
// Invariants:
//  1. Values lie in the cells head_ to head_ + length_ - 1, around the end.
//  2. A cell's state: free -take-> leaving -retire-> free, and leaving -room-> wanted -release-> free. Only the
//  receiver
//     that took the value makes it free. From `wanted` it learns that a sender was turned away; it frees such a cell
//     under the lock and serves that sender first, so that nobody who came later gets in between.
//  3. There are some cells more than the capacity, so that `wanted` is rare.
//  4. length_ may be above limit_, but never above what the cells hold: the limit was lowered, or slots were promised.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "weir/channels/internal/value_cell.h"
#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

template <class T>
class slot_ring {
  using cell = value_cell<T>;

 public:
  using place = cell_place<T>;
  using contents = typename place::contents;

  explicit slot_ring(std::size_t capacity) : limit_(capacity), store_(place_for(capacity)) {}
  slot_ring(const slot_ring&) = delete;
  slot_ring& operator=(const slot_ring&) = delete;
  ~slot_ring() { destroy(empty()); }

  std::size_t length() const noexcept { return length_.load(std::memory_order_relaxed); }
  // How many values were taken out, ever. Counted by rounds, so that a take has nothing to count.
  std::uint64_t taken() const noexcept { return taken_before_ + rounds_ * store_.count + head_; }
  // From this length on there is no room().
  void set_limit(std::size_t n) noexcept { limit_.store(n, std::memory_order_relaxed); }
  std::size_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

  // A value can be pushed.
  bool room() noexcept { return length() < limit() && vacant(); }
  // The same whatever the limit is. False because a shell is in the way: its receiver is told to look for senders
  // afterwards.
  bool vacant() noexcept {
    if constexpr (has_shells) {
      atomic<std::uint8_t>& state = store_.cells[tail_].state;
      // Acquire pairs with the release in retire() and release(): the shell is gone before the next value is built.
      if (state.load(std::memory_order_acquire) != free_cell) {
        std::uint8_t expected = leaving;
        if (state.compare_exchange_strong(expected, wanted, std::memory_order_acq_rel) || expected == wanted)
          return false;
      }
    }
    return true;
  }

  // REQUIRES: room(); or vacant(), and a slot that was promised.
  void push(T&& value) noexcept {
    ::new (static_cast<void*>(store_.cells[tail_].bytes)) T(std::move(value));
    advance(tail_);
    set_length(length() + 1);
  }

  // A cell whose shell the receiver has to retire, or none.
  class shell {
   public:
    explicit operator bool() const noexcept { return left_ != nullptr; }

   private:
    friend class slot_ring;
    explicit shell(cell* c) noexcept : left_(c) {}
    cell* left_ = nullptr;

   public:
    shell() = default;
  };

  // Moves the oldest value out. REQUIRES: length() > 0.
  shell take(std::optional<T>& out) noexcept {
    cell& c = store_.cells[head_];
    out.emplace(std::move(c.value()));
    advance_head();
    set_length(length() - 1);
    return leave(c);
  }

  // The shells of several takes, which follow each other around the ring.
  class shells {
   public:
    bool empty() const noexcept { return left_ == 0; }
    // The next one to retire. REQUIRES: not empty.
    shell next() noexcept {
      cell* const c = &cells_[at_];
      if (++at_ == count_) at_ = 0;
      --left_;
      return shell(c);
    }

   private:
    friend class slot_ring;
    cell* cells_ = nullptr;
    std::size_t count_ = 0, at_ = 0, left_ = 0;
  };

  // Moves the `n` oldest to the end of `out`. REQUIRES: n <= length(); `out` has the capacity for them.
  shells take_many(std::size_t n, std::vector<T>& out) noexcept {
    shells s;
    if constexpr (has_shells) {
      s.cells_ = store_.cells.get();
      s.count_ = store_.count;
      s.at_ = head_;
      s.left_ = n;
    }
    set_length(length() - n);
    for (; n > 0; --n, advance_head()) {
      cell& c = store_.cells[head_];
      out.push_back(std::move(c.value()));
      leave(c);
    }
    return s;
  }

  // Not under the lock: destroys the shell. False: a sender was turned away meanwhile and may be waiting; then the cell
  // is not free before release(), so that nobody comes between.
  static bool retire(shell s) noexcept {
    if constexpr (has_shells) {
      s.left_->value().~T();
      std::uint8_t expected = leaving;
      return s.left_->state.compare_exchange_strong(expected, free_cell, std::memory_order_acq_rel);
    }
    return true;
  }
  // After retire() said false; under the lock. The ring that the cell belongs to may have been replaced since.
  static void release([[maybe_unused]] shell s) noexcept {
    if constexpr (has_shells) s.left_->state.store(free_cell, std::memory_order_release);
  }

  // All values that are in the ring now, to be destroyed outside the lock.
  contents empty() noexcept {
    taken_before_ = taken();
    rounds_ = 0;
    const contents all{head_, length()};
    head_ = tail_;
    set_length(0);
    taken_before_ -= head_;
    return all;
  }
  // Not under the lock: oldest first. REQUIRES: nothing is pushed any more.
  void destroy(contents c) noexcept { store_.destroy(c); }

 private:
  static constexpr bool has_shells = cell::has_shells;
  static constexpr std::size_t spare_cells = explored ? 0 : 4;
  static constexpr std::uint8_t free_cell = cell::free_cell, leaving = cell::leaving, wanted = cell::wanted;

 public:
  // Not under the lock. Throws std::bad_alloc.
  static place place_for(std::size_t capacity) {
    const std::size_t count = has_shells && capacity > 0 ? capacity + spare_cells : capacity;
    return {count ? std::make_unique<cell[]>(count) : nullptr, count, nullptr};
  }
  // How many values the cells hold.
  std::size_t holds() const noexcept {
    return has_shells && store_.count > 0 ? store_.count - spare_cells : store_.count;
  }
  // Moves all values into `larger`, which becomes what was left: the answer says which of its cells have shells of the
  // caller's to destroy, outside the lock. REQUIRES: larger.count > store_.count.
  contents move_into(place& larger) noexcept {
    const contents before{head_, length()};
    taken_before_ = taken();
    rounds_ = 0;
    for (std::size_t i = 0; i < before.length; ++i, advance(head_))
      ::new (static_cast<void*>(larger.cells[i].bytes)) T(std::move(store_.cells[head_].value()));
    std::swap(store_.cells, larger.cells);
    std::swap(store_.count, larger.count);
    head_ = 0;
    tail_ = before.length == store_.count ? 0 : before.length;
    return before;
  }
  // A replaced place in which receivers have shells still: kept as long as the ring. As each is at least twice the one
  // before it, they take less than the ring itself.
  void keep(std::unique_ptr<place> old) noexcept {
    old->older = std::move(store_.older);
    store_.older = std::move(old);
  }

 private:
  shell leave([[maybe_unused]] cell& c) noexcept {
    if constexpr (has_shells) {
      // Relaxed: only those who hold the lock read it before retire().
      c.state.store(leaving, std::memory_order_relaxed);
      return shell(&c);
    }
    return shell();
  }

  void advance_head() noexcept {
    if (++head_ != store_.count) return;
    head_ = 0;
    ++rounds_;
  }
  void advance(std::size_t& index) const noexcept {
    if (++index == store_.count) index = 0;
  }

  void set_length(std::size_t n) noexcept { length_.store(n, std::memory_order_relaxed); }

  // These two are written under the lock; a select reads them without, to see where a try is worth its while. Relaxed:
  // stale is fine, as nothing is decided by it. Not the explorer's atomics: there hints are made up (select_case.h).
  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> length_{0};
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  place store_;
  std::uint64_t rounds_ = 0;        // head_ has gone through store_
  std::uint64_t taken_before_ = 0;  // from smaller places; wraps around
};

}  // namespace weir::internal
