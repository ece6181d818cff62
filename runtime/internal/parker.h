// A parker: whoever can wait, an actor or an OS thread. The one way to park and the one way to wake.
//
// The life of a wait, the same for every event source:
//   1. begin_wait(): a new epoch of the wait word is open.
//   2. The waiter links wait_nodes (wait_list.h) that name this parker and epoch into its sources, each under the
//      source's lock.
//   3. park(): the actor is switched out, or the thread sleeps. It returns after exactly one wake.
//   4. A peer wins the claim under its source's lock, moves the value, lets the lock go, and calls wake().
//   5. The waiter unlinks the nodes that the winner did not unlink, and reads cause().
// A waiter that wins its own claim in between does not park.
//
// With a single source and no deadline, steps 1 to 3 are one: the waiter links its node for the next_epoch() and calls
// park_holding(), which lets the source's lock go once the waiter is off its stack. It spares a read-modify-write, and
// nobody can meet a waiter that is not parked yet.
//
// Thread-safety: begin_wait, park, park_holding: the owner. wake, interrupt, and the word: anyone, under the rules
// above.
#pragma once

#include <cstdint>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/plant.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_reason.h"
#include "weir/runtime/internal/wait_word.h"

namespace weir::internal {

class parker {
 public:
  parker(const parker&) = delete;
  parker& operator=(const parker&) = delete;

  // Starts a wait. `cancelled` in the answer means that a cancel is pending and no wait was started.
  wait_word::opened begin_wait(interruptible i) noexcept { return word_.open(i); }

  // Waits for the wake, at most until `limit`; the limit itself claims and wakes. Returns how the wait ended.
  wake_cause park(const wait_reason& why, deadline limit = {}) {
    stop(why, limit);
    return word_.cause();
  }

  // Starts a wait of epoch word().next_epoch() and waits for the wake; `held` is unlocked on the way. A cancel that is
  // pending ends it at once.
  wake_cause park_holding(const wait_reason& why, lock_key held, interruptible i) {
    stop_holding(why, held, i);
    return word_.cause();
  }

  wait_word& word() noexcept { return word_; }
  const wait_word& word() const noexcept { return word_; }

  // Makes the owner go on. Only the winner of the claim calls it, exactly once, and touches nothing of the owner
  // afterwards.
  void wake() noexcept {
    if (planted(bug::lost_wake) && forget_this_wake()) return;
    if (word_.release() == release_result::resume) resume_(this);
  }

  // The number of the actor; 0 for whoever is none. An address alone may be that of a later one.
  std::uint64_t id() const noexcept { return id_; }

  // Marks a cancel as pending and ends an interruptible wait.
  void interrupt() noexcept {
    if (word_.cancel()) wake();
  }

 protected:
  // Called by a waker when the owner is parked: it is the waker's until it goes on.
  using resume_function = void(parker*) noexcept;

  explicit parker(resume_function* resume, std::uint64_t id = 0) noexcept : resume_(resume), id_(id) {}
  ~parker() = default;

  // Returns when wake() has been called for this wait.
  virtual void stop(const wait_reason& why, deadline limit) = 0;
  // Opens a wait, parked; then unlocks `held`, which may be gone as soon as it is free. Returns when the wait is over.
  virtual void stop_holding(const wait_reason& why, lock_key held, interruptible i) = 0;

 private:
  static bool forget_this_wake() noexcept;

  resume_function* const resume_;
  const std::uint64_t id_;
  wait_word word_;
};

// The running actor, or else the calling OS thread. Never keep it over a park in a way the compiler could cache: ask
// again.
parker& current_parker();

}  // namespace weir::internal
