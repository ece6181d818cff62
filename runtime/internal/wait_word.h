// The wait word: where an actor (or a blocked OS thread) stands in its wait, and the one atomic step, the claim, that
// decides who completes it.
//
// Every way a wait can end (a peer's hand-over, close, a deadline, a cancel, or the waiter itself while it registers
// with several sources) first has to win the claim. Whoever loses leaves the waiter alone. A hand-over moves the value
// only after its claim is won, so a value is delivered or kept, never both and never neither.
//
// Beside the claim the word says in which place the waiter is:
//
//   on_stack --commit--> parked                      commit: the worker's native stack, after the switch-out
//       |                 | ^
//       |         inspect | | finish_inspection      a dump reads what a parked actor waits for
//       |                 v |
//       |              inspected
//       +---release---> notified <---release---+     the winner of the claim came first: who holds the actor requeues
//       it
//
// Only the worker's native stack says `parked`, so nobody resumes a stack that is still in use. The winner of the claim
// calls release() once its hand-over is done. Of a parked waiter it is the owner already, as nobody else changes the
// word of a claimed, parked waiter: that costs a read and no more. After release() has answered `leave`, it touches
// nothing of the waiter.
//
// Two ways in. open() while still on the stack, for a waiter with several sources; the park follows with commit(). Or
// open_parked(), both in one step, by the native stack, for a waiter with a single source whose lock is held until then
// (parker.h, park_holding).
//
// Thread-safety: `owner` functions are for the parking actor or thread only, `holder` ones for the worker that has just
// switched it out; the others for anyone who can name an epoch.
//
// Invariants:
//  1. Bits 0-2: state. 3: cancel pending. 4: interruptible. 5-6: place. 7 and up: epoch, raised by each open.
//  2. Only the owner leaves idle, tentative and the claimed states; only a successful compare-exchange leaves open.
//  3. A claim names the epoch it saw when it registered, so a late one cannot hit a later park.
//  4. tentative means: the owner is trying to claim a peer while it is itself registered elsewhere. Whoever meets it
//     waits, in one direction only (see wait_list.h), because a waiter that was skipped then would miss its peer for
//     ever. A tentative owner is on its stack.
//  5. The cancel bit is set by a canceller and cleared only by clear_cancel(); it does not change the other fields. As
//     it may come at any moment, nobody writes the word but by a read-modify-write.
//  6. Between waits place and state are what the last wait left behind; an open sets them anew.
//
// Origin: the three-state commit of J. Reppy, C. Russo, Y. Xiao, "Parallel Concurrent ML" (ICFP 2009).
#pragma once

#include <cstdint>

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

// How a wait ended.
enum class wake_cause : std::uint8_t { peer, timeout, cancel };

enum class claim_result : std::uint8_t {
  won,   // the caller completes this wait and must wake its owner
  lost,  // somebody else did, or it is another wait by now
  busy,  // the owner is tentative: look again
};

enum class interruptible : bool { no, yes };

enum class release_result : bool {
  leave,   // another holds the waiter and will make it go on: touch nothing of it
  resume,  // the caller must make it go on
};

enum class commit_result : bool {
  parked,    // it is somebody else's now
  notified,  // its wait is over: the caller must make it go on
};

class wait_word {
 public:
  using epoch_type = std::uint64_t;

  struct opened {
    epoch_type epoch;
    bool cancelled;  // a cancel is pending: the wait is not open and must not happen
  };

  // owner: starts a new epoch that peers may claim. With interruptible::yes a pending cancel is reported instead.
  opened open(interruptible i) noexcept {
    // Acquire pairs with cancel(): who sees the bit sees which scope was cancelled.
    word_type seen = word_.load(std::memory_order_acquire);
    for (;;) {
      if (i == interruptible::yes && (seen & cancel_bit)) return {0, true};
      const word_type next = opening(seen, i) | state_open | place_on_stack;
      // Release: who claims sees all that the owner wrote before (its nodes' fields).
      if (word_.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_acquire))
        return {next >> epoch_shift, false};
    }
  }

  // holder: the same, and parked at once. `notified`: a cancel is pending and has ended the wait already.
  commit_result open_parked(interruptible i) noexcept {
    word_type seen = word_.load(std::memory_order_acquire);
    for (;;) {
      const bool cancelled = i == interruptible::yes && (seen & cancel_bit);
      const word_type next = opening(seen, i) | (cancelled ? state_cancel : state_open) | place_parked;
      // Release pairs with the acquire of whoever claims: it sees the saved context.
      if (word_.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_acquire))
        return cancelled ? commit_result::notified : commit_result::parked;
    }
  }

  // Tries to complete the wait `epoch`.
  claim_result try_claim(epoch_type epoch, wake_cause cause) noexcept {
    word_type seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen >> epoch_shift) != epoch) return claim_result::lost;
      const word_type state = seen & state_mask;
      if (state == state_tentative) return claim_result::busy;
      if (state != state_open) return claim_result::lost;
      // Acquire pairs with the release in open() and commit(); release pairs with cause(), which the owner reads after
      // its wake.
      if (word_.compare_exchange_weak(seen, (seen & ~state_mask) | state_of(cause), std::memory_order_acq_rel,
                                      std::memory_order_relaxed))
        return claim_result::won;
    }
  }

  // owner: completes its own wait; false if somebody else did, whose wake then has to be awaited.
  bool claim_self(epoch_type epoch) noexcept { return try_claim(epoch, wake_cause::peer) == claim_result::won; }

  // owner: while registered elsewhere, shuts out peers until confirm() or reopen(). False: somebody claimed already.
  bool begin_tentative() noexcept {
    word_type seen = word_.load(std::memory_order_relaxed);
    while ((seen & state_mask) == state_open)
      if (word_.compare_exchange_weak(seen, (seen & ~state_mask) | state_tentative, std::memory_order_acq_rel,
                                      std::memory_order_relaxed))
        return true;
    return false;
  }
  // owner: the peer was claimed, and so is the owner.
  void confirm() noexcept { word_.fetch_add(state_of(wake_cause::peer) - state_tentative, std::memory_order_acq_rel); }
  // owner: back to open. True if a cancel came meanwhile and now has to be served by the owner itself.
  bool reopen() noexcept {
    const word_type before = word_.fetch_sub(state_tentative - state_open, std::memory_order_acq_rel);
    return (before & cancel_bit) && (before & interrupt_bit);
  }

  // owner: the epoch of the wait that was opened last.
  epoch_type epoch() const noexcept { return word_.load(std::memory_order_relaxed) >> epoch_shift; }
  // owner: the epoch that the next open will have.
  epoch_type next_epoch() const noexcept { return epoch() + 1; }

  // owner, after its wake: how the wait ended.
  wake_cause cause() const noexcept {
    switch (word_.load(std::memory_order_acquire) & state_mask) {
      case state_timeout:
        return wake_cause::timeout;
      case state_cancel:
        return wake_cause::cancel;
      default:
        return wake_cause::peer;
    }
  }

  // owner: a wake came already, so the switch-out can be spared. Acquire pairs with release().
  bool notified() const noexcept { return place(word_.load(std::memory_order_acquire)) == place_notified; }

  // holder, after open(): the waiter is off its stack. Release pairs with the acquire of whoever claims or releases it:
  // it sees the saved context.
  commit_result commit() noexcept { return leave_place(place_on_stack); }

  // The winner of the claim, once, when its hand-over is done. Acquire pairs with commit(); release: what the winner
  // wrote (the value, the node's outcome) is seen by the owner when it goes on. A parked waiter is handed on by its
  // winner, through a run queue, which orders that.
  release_result release() noexcept {
    word_type seen = word_.load(std::memory_order_acquire);
    while (place(seen) != place_parked)
      if (word_.compare_exchange_weak(seen, (seen & ~place_mask) | place_notified, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        return release_result::leave;
    return release_result::resume;
  }

  // Keeps a parked waiter that nobody has claimed from going on until finish_inspection(); false if there is none.
  bool inspect() noexcept {
    word_type seen = word_.load(std::memory_order_relaxed);
    while ((seen & state_mask) == state_open && place(seen) == place_parked)
      if (word_.compare_exchange_weak(seen, (seen & ~place_mask) | place_inspected, std::memory_order_acq_rel,
                                      std::memory_order_relaxed))
        return true;
    return false;
  }
  commit_result finish_inspection() noexcept { return leave_place(place_inspected); }

  // Marks a cancel as pending. True if that also claimed an open, interruptible wait: the caller must wake its owner.
  bool cancel() noexcept {
    word_type seen = word_.fetch_or(cancel_bit, std::memory_order_acq_rel) | cancel_bit;
    while ((seen & state_mask) == state_open && (seen & interrupt_bit))
      if (word_.compare_exchange_weak(seen, (seen & ~state_mask) | state_cancel, std::memory_order_acq_rel,
                                      std::memory_order_relaxed))
        return true;
    return false;
  }
  // owner, under the lock of the scope that would set it: no cancelled scope is left around it.
  void clear_cancel() noexcept { word_.fetch_and(~cancel_bit, std::memory_order_acq_rel); }
  // A cancel is pending. Acquire pairs with cancel(): who sees the bit sees which scope was cancelled.
  bool cancel_pending() const noexcept { return word_.load(std::memory_order_acquire) & cancel_bit; }

 private:
  using word_type = std::uint64_t;
  static constexpr word_type state_open = 1, state_tentative = 2, state_peer = 3, state_timeout = 4, state_cancel = 5;
  static constexpr word_type state_mask = 7, cancel_bit = 8, interrupt_bit = 16;
  static constexpr word_type place_on_stack = 0 << 5, place_parked = 1 << 5, place_notified = 2 << 5,
                             place_inspected = 3 << 5, place_mask = 3 << 5;
  static constexpr int epoch_shift = 7;

  static constexpr word_type state_of(wake_cause c) noexcept {
    return c == wake_cause::peer ? state_peer : c == wake_cause::timeout ? state_timeout : state_cancel;
  }
  static constexpr word_type place(word_type w) noexcept { return w & place_mask; }

  // The next epoch, without state and place.
  static constexpr word_type opening(word_type seen, interruptible i) noexcept {
    return ((seen >> epoch_shift) + 1) << epoch_shift | (seen & cancel_bit) |
           (i == interruptible::yes ? interrupt_bit : 0);
  }

  // From `from` to parked, unless the winner's release() came first.
  commit_result leave_place(word_type from) noexcept {
    word_type seen = word_.load(std::memory_order_acquire);
    while (place(seen) == from)
      if (word_.compare_exchange_weak(seen, (seen & ~place_mask) | place_parked, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        return commit_result::parked;
    return commit_result::notified;
  }

  atomic<word_type> word_{0};  // see invariant 1; 0 is idle in epoch 0
};

}  // namespace weir::internal
