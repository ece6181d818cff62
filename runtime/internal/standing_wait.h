// A wait that no stack stands behind: once a peer has claimed and woken it, a function runs instead of an owner that
// goes on. With it, whatever can wake an actor (a timer, an exit) can do something else as well.
//
// Thread-safety: stand and take_back: the owner. The function runs on the waker's thread, perhaps on a worker's native
// stack: it must not park; what it may do a peer's wake() may do.
#pragma once

#include "weir/runtime/internal/parker.h"

namespace weir::internal {

class standing_wait : public parker {
 public:
  // Peers may claim the epoch in the answer from now on.
  wait_word::epoch_type stand() noexcept {
    (void)word().open_parked(interruptible::no);
    return word().epoch();
  }
  // Nobody will claim it any more. False: somebody has, and the function has run, runs, or is about to.
  bool take_back() noexcept { return word().claim_self(word().epoch()); }

 protected:
  explicit standing_wait(resume_function* run) noexcept : parker(run) {}
  ~standing_wait() = default;

 private:
  void stop(const wait_reason&, deadline) final {}
  void stop_holding(const wait_reason&, lock_key, interruptible) final {}
};

}  // namespace weir::internal
