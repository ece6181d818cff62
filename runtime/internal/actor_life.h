// The count of those who hold an actor, in one word: its handles, itself until it has ended, and its worker until it
// has left its stack. Says who destroys the result, and who gives the stack back.
//
// The result goes with the last user, a handle or the actor itself, wherever that one is: never on a worker's native
// stack, as its destructor may park. The stack, the control block with it, goes when the result is gone and the actor
// has left the stack, whichever comes second.
//
// Thread-safety: retain, release, result_gone, detach: whoever has a handle. The others: as marked.
//
// Invariants:
//  1. Bits 0: detached. 1: failed. 2: off_stack. 3: result_gone. 4 and up: users.
//  2. Users never rise from zero, and a handle is only copied by who has one. So if the actor is the only user left,
//     nobody else can reach the word, and it may be read and written without a read-modify-write.
//  3. off_stack and result_gone are set once each, in either order; whoever sets the second one frees the block.
#pragma once

#include <cstdint>

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

class actor_life {
 public:
  // Up relaxed: who copies a handle holds one.
  void retain() noexcept { word_.fetch_add(one_user, std::memory_order_relaxed); }
  // A user goes. True: the last one; the caller destroys the result and calls result_is_gone(). Acquire-release: the
  // last one sees what the others did.
  bool release() noexcept { return users(word_.fetch_sub(one_user, std::memory_order_acq_rel)) == 1; }
  // True: the caller frees the block. Acquire pairs with left_stack(), release with its acquire.
  bool result_is_gone() noexcept {
    if (word_.load(std::memory_order_acquire) & off_stack) return true;
    return word_.fetch_or(result_gone, std::memory_order_acq_rel) & off_stack;
  }

  // The actor, at its end: it is the only user. Acquire pairs with the release of the handles that have gone.
  bool alone() const noexcept { return users(word_.load(std::memory_order_acquire)) == 1; }
  // The same, instead of release() and result_is_gone(). REQUIRES: alone(). Relaxed: its own thread reads it next.
  void end_alone() noexcept { word_.store(result_gone, std::memory_order_relaxed); }

  // The actor's worker, on its native stack: there is no handle, so nobody can be waiting for the end.
  bool unwatched() const noexcept { return word_.load(std::memory_order_acquire) & result_gone; }
  // The same, its last touch: true: it frees the block. Acquire pairs with result_is_gone(), release with its acquire.
  bool left_stack() noexcept {
    if (word_.load(std::memory_order_acquire) & result_gone) return true;
    return word_.fetch_or(off_stack, std::memory_order_acq_rel) & result_gone;
  }

  // Whoever comes second of these two is told so, sees what the first one left, and reports the unhandled failure.
  bool detach() noexcept { return word_.fetch_or(detached, std::memory_order_acq_rel) & failed; }
  bool fail() noexcept { return word_.fetch_or(failed, std::memory_order_acq_rel) & detached; }

 private:
  using word_type = std::uint64_t;
  static constexpr word_type detached = 1, failed = 2, off_stack = 4, result_gone = 8, one_user = 16;
  static constexpr word_type users(word_type w) noexcept { return w / one_user; }

  atomic<word_type> word_{2 * one_user};  // the actor and the first handle
};

}  // namespace weir::internal
