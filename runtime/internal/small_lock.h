// A one-word lock for sections of a few dozen instructions.
//
// Thread-safety: all of it. Not recursive. No park, wake, allocation or user code (but a nothrow move) while it is
// held.
//
// Its release is a plain store, which saves one atomic read-modify-write in every channel operation. So a contender
// that has spun in vain cannot be woken by the holder; it naps and looks again. That happens only if the kernel took
// the core away from a holder.
#pragma once

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

// Sleeps the OS thread for about 50 us. Out of line: never on a fast path.
void nap() noexcept;

// Spins for a while, then naps: for a wait on somebody who is inside a section as short as this file says.
class spin_wait {
 public:
  void turn() noexcept {
    spin_pause();
    if (++turns_ > 100) nap();
  }

 private:
  int turns_ = 0;
};

// What a holder needs to let go. Touches nothing after the store: who locks next may destroy the lock.
class lock_key {
 public:
  explicit lock_key(atomic<bool>& held) noexcept : held_(&held) {}
  void unlock() const noexcept { held_->store(false, std::memory_order_release); }

 private:
  atomic<bool>* held_;
};

class small_lock {
 public:
  void lock() noexcept {
    // Acquire pairs with the release in unlock().
    while (held_.exchange(true, std::memory_order_acquire)) wait();
  }
  bool try_lock() noexcept { return !held_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { key().unlock(); }
  lock_key key() noexcept { return lock_key(held_); }

 private:
  void wait() noexcept {
    spin_wait waiting;
    // Relaxed: a stale value only costs one more turn; the exchange in lock() decides.
    while (held_.load(std::memory_order_relaxed)) waiting.turn();
  }

  atomic<bool> held_{false};  // written by whoever locks and by the holder; true: held
};

}  // namespace weir::internal
