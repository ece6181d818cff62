// The claim: the one atomic step that decides who completes a park.
//
// Every way a park can end (a peer's hand-over, close, a deadline, a cancel, or the waiter itself while it registers
// with several sources) first has to win the claim. Whoever loses leaves the waiter alone. A hand-over moves the value
// only after its claim is won, so a value is delivered or kept, never both and never neither.
//
// Thread-safety: `owner` functions are for the parking actor or thread only; the others for anyone who can name an
// epoch.
//
// Invariants:
//  1. Bits 0-2: state. 3: cancel pending. 4: interruptible. 5 and up: epoch, raised by each open().
//  2. Only the owner leaves idle, tentative and the claimed states; only a successful compare-exchange leaves open.
//  3. A claim names the epoch it saw when it registered, so a late one cannot hit a later park.
//  4. tentative means: the owner is trying to claim a peer while it is itself registered elsewhere. Whoever meets it
//  waits,
//     in one direction only (see wait_list.h), because a waiter that was skipped then would miss its peer for ever.
//  5. The cancel bit is set by a canceller and cleared only by clear_cancel(); it does not change the other fields.
//
// Origin: the three-state commit of J. Reppy, C. Russo, Y. Xiao, "Parallel Concurrent ML" (ICFP 2009).
#pragma once

#include <cstdint>

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

// How a park ended.
enum class wake_cause : std::uint8_t { peer, timeout, cancel };

enum class claim_result : std::uint8_t {
  won,   // the caller completes this park and must wake its owner
  lost,  // somebody else did, or it is another park by now
  busy,  // the owner is tentative: look again
};

enum class interruptible : bool { no, yes };

class claim_word {
 public:
  using epoch_type = std::uint64_t;

  struct opened {
    epoch_type epoch;
    bool cancelled;  // a cancel is pending: the park is not open and must not happen
  };

  // owner: starts a new epoch that peers may claim. With interruptible::yes a pending cancel is reported instead.
  opened open(interruptible i) noexcept {
    // Outside open and tentative only the owner writes all fields but the cancel bit, which is read again below.
    // Acquire pairs with cancel(): who sees the bit sees which scope was cancelled.
    const word_type old = word_.load(std::memory_order_acquire);
    const bool can_interrupt = i == interruptible::yes;
    const word_type next = ((old >> epoch_shift) + 1) << epoch_shift | (can_interrupt ? interrupt_bit : 0) | state_open;
    if (can_interrupt && (old & cancel_bit)) return {0, true};
    // Release: who claims sees all that the owner wrote before (its park word, its nodes' fields).
    const word_type before = word_.fetch_add(next - (old & ~cancel_bit), std::memory_order_acq_rel);
    const epoch_type epoch = next >> epoch_shift;
    if (can_interrupt && (before & cancel_bit)) {
      // The cancel came between the two reads and did not see the park open. Take it back, unless a second cancel did
      // see it: then that one wakes the owner as usual.
      if (try_claim(epoch, wake_cause::cancel) == claim_result::won) return {0, true};
    }
    return {epoch, false};
  }

  // Tries to complete the park `epoch`.
  claim_result try_claim(epoch_type epoch, wake_cause cause) noexcept {
    word_type seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen >> epoch_shift) != epoch) return claim_result::lost;
      const word_type state = seen & state_mask;
      if (state == state_tentative) return claim_result::busy;
      if (state != state_open) return claim_result::lost;
      // Acquire pairs with the release in open(); release pairs with cause(), which the owner reads after its wake.
      if (word_.compare_exchange_weak(seen, (seen & ~state_mask) | state_of(cause), std::memory_order_acq_rel,
                                      std::memory_order_relaxed))
        return claim_result::won;
    }
  }

  // owner: completes its own park; false if somebody else did, whose wake then has to be awaited.
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

  // owner, after its wake: how the park ended.
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

  // Marks a cancel as pending. True if that also claimed an open, interruptible park: the caller must wake its owner.
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
  static constexpr int epoch_shift = 5;

  static constexpr word_type state_of(wake_cause c) noexcept {
    return c == wake_cause::peer ? state_peer : c == wake_cause::timeout ? state_timeout : state_cancel;
  }

  atomic<word_type> word_{0};  // see invariant 1; 0 is idle in epoch 0
};

}  // namespace weir::internal
