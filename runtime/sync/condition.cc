#include "weir/runtime/sync/condition.h"

#include <utility>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/internal/holder.h"

namespace weir {

using internal::wait_end;

// What a waiter lets go once it stands in the list: the condition's lock, and then the user's mutex.
struct condition::both_locks {
  internal::small_lock& inner;
  mutex* outer;
  void lock() noexcept { inner.lock(); }
  void unlock() noexcept {
    inner.unlock();
    if (mutex* const m = std::exchange(outer, nullptr)) m->unlock();
  }
};

bool condition::wait(std::unique_lock<mutex>& lock, deadline limit, site where) {
  if (!lock.owns_lock())
    internal::throw_misuse("condition::wait", "the mutex must be held", internal::describe_place("condition", where_),
                           "Lock it first, and look under it whether there is still something to wait for.", where);
  const internal::wait_for_at why("wait", where, [this] { return internal::describe_place("condition", where_); });
  both_locks locks{lock_, lock.mutex()};
  internal::wait_node node;
  locks.lock();
  const wait_end end = internal::park_in(locks, waiters_, node, why, internal::interruptible::yes, limit,
                                         []() -> internal::wait_node* { return nullptr; });
  if (end == wait_end::cancelled) internal::give_way();  // a loop around it, while unwinding, must not keep the worker
  if (end == wait_end::timeout) internal::spend_operation();
  lock.mutex()->lock_again();
  if (end == wait_end::cancelled) internal::meet_cancel("wait");
  return end == wait_end::woken;
}

void condition::notify_one() noexcept {
  lock_.lock();
  internal::wait_node* const first = waiters_.claim_first();
  internal::parker* const woken = first ? first->owner : nullptr;
  lock_.unlock();
  if (woken) woken->wake();
}

void condition::notify_all() noexcept {
  lock_.lock();
  internal::wait_node* const all = waiters_.claim_all();
  lock_.unlock();
  internal::wake_all(all);
}

}  // namespace weir
