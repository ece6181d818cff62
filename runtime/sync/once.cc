#include "weir/runtime/sync/once.h"

#include <mutex>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/internal/holder.h"

namespace weir {

using internal::wait_end;

once::turn once::begin(deadline limit, site where) {
  internal::parker& self = internal::current_parker();
  const internal::wait_for_at why("call", where, [this] { return describe(); });
  internal::interruptible i = internal::unless_unwinding();
  for (;;) {
    lock_.lock();
    // Relaxed: written under the lock.
    if (done_.load(std::memory_order_relaxed)) {
      lock_.unlock();
      return turn::done;
    }
    if (runner_ == nullptr) {
      runner_ = &self;
      lock_.unlock();
      return turn::mine;
    }
    if (runner_ == &self) {
      lock_.unlock();
      internal::throw_misuse("once::call", "the function must not call the same once again",
                             internal::describe_place("once", where_) + " in " + internal::describe_holder(self),
                             "Split what both need into a once of its own.", where);
    }
    internal::wait_node node;
    switch (internal::park_in(lock_, waiters_, node, why, i, limit, []() -> internal::wait_node* { return nullptr; })) {
      case wait_end::woken:
        // Acquire pairs with finish(). Not done: the one before failed, and made this one the runner.
        return done_.load(std::memory_order_acquire) ? turn::done : turn::mine;
      case wait_end::timeout:
        return turn::timeout;
      case wait_end::cancelled:
        internal::meet_cancel("call");
        i = internal::interruptible::no;  // the caller unwinds by now: it waits on
    }
  }
}

void once::finish(bool succeeded) noexcept {
  internal::wait_node* woken = nullptr;
  lock_.lock();
  if (succeeded) {
    runner_ = nullptr;
    done_.store(true, std::memory_order_release);  // pairs with call() and begin()
    woken = waiters_.claim_all();
  } else {
    woken = waiters_.claim_first();
    if (woken) woken->next = nullptr;
    runner_ = woken ? woken->owner : nullptr;
  }
  lock_.unlock();
  internal::wake_all(woken);
}

std::string once::describe() {
  std::lock_guard guard(lock_);
  // The lock keeps the runner from finishing, and so from ending.
  return internal::describe_place("once", where_) +
         (runner_ ? " run by " + internal::describe_holder(*runner_) : std::string());
}

}  // namespace weir
