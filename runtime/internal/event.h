// A one-shot event that actors and threads can wait for: set once, then set for ever.
//
// Thread-safety: all of it. After the last waiter has seen it set, it may be destroyed: set() touches nothing after its
// lock is free, but the waiters it woke.
#pragma once

#include <mutex>

#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class event {
 public:
  void set() noexcept {
    wait_node* woken = nullptr;
    {
      std::lock_guard guard(lock_);
      set_ = true;
      woken = waiters_.claim_all();
    }
    wake_all(woken);
  }

  bool is_set() noexcept {
    std::lock_guard guard(lock_);
    return set_;
  }

  // For a waiter with nodes of its own: links `n`, whose owner set() then claims. False: it is set already.
  bool enlist(wait_node& n) noexcept {
    std::lock_guard guard(lock_);
    if (!set_) waiters_.push_back(n);
    return !set_;
  }
  void withdraw(wait_node& n) noexcept {
    std::lock_guard guard(lock_);
    waiters_.unlink(n);
  }

  enum class outcome { set, timeout, cancelled };

  // Parks until set. With interruptible::no a cancel does not end the wait.
  outcome wait(const wait_reason& why, interruptible i, deadline limit = {}) {
    parker& self = current_parker();
    lock_.lock();
    if (set_) {
      lock_.unlock();
      return outcome::set;
    }
    wait_node node(self, self.word().next_epoch());
    wake_cause cause;
    if (limit.is_never()) {
      waiters_.push_back(node);
      cause = self.park_holding(why, lock_.key(), i);
    } else {
      if (self.begin_wait(i).cancelled) {
        lock_.unlock();
        return outcome::cancelled;
      }
      waiters_.push_back(node);
      lock_.unlock();
      cause = self.park(why, limit);
    }
    if (cause == wake_cause::peer) return outcome::set;
    std::lock_guard guard(lock_);
    waiters_.unlink(node);
    return cause == wake_cause::timeout ? outcome::timeout : outcome::cancelled;
  }

 private:
  small_lock lock_;
  bool set_ = false;   // guarded by lock_
  wait_list waiters_;  // guarded by lock_
};

}  // namespace weir::internal
