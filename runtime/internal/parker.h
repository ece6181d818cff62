// A parker: whoever can wait, an actor or an OS thread. The one way to park and the one way to wake.
//
// The life of a wait, the same for every event source:
//   1. begin_wait(): the park word says `parking`, the claim opens a new epoch.
//   2. The waiter links wait_nodes (wait_list.h) that name this parker and epoch into its sources, each under the
//   source's lock.
//   3. park(): the actor is switched out, or the thread sleeps. It returns after exactly one wake.
//   4. A peer wins the claim under its source's lock, moves the value, lets the lock go, and calls wake().
//   5. The waiter unlinks the nodes that the winner did not unlink, and reads cause().
// A waiter that wins its own claim in between calls abandon_wait() instead of park().
//
// Thread-safety: begin_wait, park, abandon_wait, cause: the owner. try_claim, wake, interrupt: anyone, under the rules
// above.
#pragma once

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/claim_word.h"
#include "weir/runtime/internal/park_word.h"
#include "weir/runtime/internal/plant.h"
#include "weir/runtime/internal/wait_reason.h"

namespace weir::internal {

class parker {
 public:
  parker(const parker&) = delete;
  parker& operator=(const parker&) = delete;

  // Starts a wait. `cancelled` in the answer means that a cancel is pending and no wait was started.
  claim_word::opened begin_wait(interruptible i) noexcept {
    word_.begin();
    const auto opened = claim_.open(i);
    if (opened.cancelled) word_.abandon();
    return opened;
  }

  // Waits for the wake, at most until `limit`; the limit itself claims and wakes. Returns how the wait ended.
  wake_cause park(const wait_reason& why, deadline limit = {}) {
    stop(why, limit);
    return claim_.cause();
  }

  // The owner has won its own claim: no wake will come.
  void abandon_wait() noexcept { word_.abandon(); }

  claim_word& claim() noexcept { return claim_; }
  const claim_word& claim() const noexcept { return claim_; }

  // Makes the owner go on. Only the winner of the claim calls it, exactly once, and touches nothing of the owner
  // afterwards.
  void wake() noexcept {
    // Read before the transition: afterwards the owner may be gone.
    resume_function* const resume = resume_;
    if (planted(bug::lost_wake) && forget_this_wake()) return;
    if (word_.notify() == notify_result::resume) resume(this);
  }

  // Marks a cancel as pending and ends an interruptible wait.
  void interrupt() noexcept {
    if (claim_.cancel()) wake();
  }

  park_word& word() noexcept { return word_; }
  const park_word& word() const noexcept { return word_; }

 protected:
  // Called by a waker when the owner was parked; may use only the address for a thread, which could be gone already.
  using resume_function = void(parker*) noexcept;

  explicit parker(resume_function* resume) noexcept : resume_(resume) {}
  ~parker() = default;

  // Returns when wake() has been called for this wait.
  virtual void stop(const wait_reason& why, deadline limit) = 0;

 private:
  static bool forget_this_wake() noexcept;

  resume_function* const resume_;
  claim_word claim_;
  park_word word_;
};

// The running actor, or else the calling OS thread. Never keep it over a park in a way the compiler could cache: ask
// again.
parker& current_parker();

}  // namespace weir::internal
