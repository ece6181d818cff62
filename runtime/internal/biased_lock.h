// A lock for what mostly one worker uses: that worker gets it without an atomic read-modify-write.
//
// Thread-safety: all of it. Not recursive. Under it runs what may run under a small_lock (small_lock.h).
//
// An uncontended read-modify-write costs 5 ns, which is most of what a channel operation costs. So after some thousand
// operations in a row by one worker the lock is biased: its owner only raises its flag and looks whether the bias is
// its own still. Whoever else comes takes the bias away first, which needs a barrier in every running thread of the
// process (membarrier, some 20 us). If the bias did not last fifty times as long as that, the next one takes twice
// as many operations, else half as many: so the barriers cost little beside what the biases save.
//
// An actor that meets another worker here time and again is moved to that worker before it tries once more
// (follow_holder): a cache line that goes from core to core costs ten times what the section costs.
//
// Invariants:
//  1. bias_ is none, a worker's token and slot, or revoking. It becomes a worker's only by that worker, while it holds
//     held_.
//  2. Each slot belongs to one worker for ever, which alone writes inside_[slot], perhaps long after it has lost the
//     bias. It is in the section if it has raised its flag and then read its own bias; else it lowers the flag again
//     and goes the other way. When all slots are taken, only their workers can get the bias.
//  3. A revoker makes bias_ `revoking`, has every thread pass a barrier, and waits until the owner's flag is down: an
//     owner that raised it before the barrier is waited for, one that comes after it reads `revoking`.
//  4. Who has taken held_ is in the section if bias_ is none then; else it lets go and starts again.
//  5. How a holder came in, it knows by its lock_key, as the bias may change meanwhile.
//
// Origin: K. Kawachiya, A. Koseki, T. Onodera, "Lock Reservation" (OOPSLA 2002), and the asymmetric Dekker
// synchronization of D. Dice, M. Moir, W. Scherer, "Quickly Reacquirable Locks" (2003).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "weir/runtime/base/clock.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

// A number for the calling worker, unlike that of any other thread at any time; 0 on threads that are no workers.
// Never inlined: see context.h on thread-locals.
std::uint32_t worker_token() noexcept;
// The caller met the worker `holder` (a token) at a lock, at a cost of `weight` simple meetings. True: its actor was
// moved to that worker, and has to start again (worker.h).
bool follow_holder(std::uint32_t holder, unsigned weight) noexcept;
class biased_lock {
 public:
  lock_key lock() noexcept {
    const std::uint32_t me = worker_token();
    // Relaxed: only this thread makes bias_ `me`, and what others do about it is invariant 3.
    const std::uint32_t bias = bias_.load(std::memory_order_relaxed);
    if (bias >> slot_bits == me && me != 0 && enter(bias)) return lock_key(inside_[bias % slots]);
    return lock_slowly(me);
  }

  // For a section that is a whole scope.
  class guard {
   public:
    explicit guard(biased_lock& l) noexcept : key_(l.lock()) {}
    guard(const guard&) = delete;
    ~guard() { key_.unlock(); }

   private:
    lock_key key_;
  };

  // From now on, how many operations in a row a worker needs for its first bias of a lock; 0: biases are not given.
  // REQUIRES, unless 0: barrier_in_all_threads() works.
  static void bias_after(std::uint32_t operations) noexcept;

 private:
  static constexpr std::uint32_t slot_bits = 2, slots = 1 << slot_bits;
  static constexpr std::uint32_t none = 0,
                                 revoking = 1;  // no worker's: tokens begin at 1, and so their words at `slots`
  static constexpr std::uint32_t most_doublings = 12;

  bool enter(std::uint32_t mine) noexcept {
    inside_[mine % slots].store(true, std::memory_order_relaxed);
    // Only the compiler must keep the order here; the processor is made to by the revoker's barrier.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (bias_.load(std::memory_order_relaxed) == mine) return true;
    inside_[mine % slots].store(false, std::memory_order_release);
    return false;
  }
  // What a revocation costs, in meetings at a lock that is held for some nanoseconds.
  static constexpr unsigned revoke_weight = 8;

  lock_key lock_slowly(std::uint32_t me) noexcept;
  void revoke(std::uint32_t owner) noexcept;
  void count(std::uint32_t me) noexcept;  // REQUIRES: held_ is the caller's

  small_lock held_;
  atomic<std::uint32_t> bias_{none};          // see invariant 1
  std::array<atomic<bool>, slots> inside_{};  // written by the slot's worker; read by revokers
  // Guarded by held_; doublings_ is also written by a revoker, whom nobody can be beside.
  std::array<std::uint32_t, slots> slot_owners_{};  // tokens
  atomic<std::uint32_t> last_{0};                   // who had it last; read without held_ as a hint
  std::uint32_t in_a_row_ = 0;
  std::uint32_t doublings_ = 0;  // of the operations in a row that the next bias takes
  time_point biased_since_{};
};

}  // namespace weir::internal
