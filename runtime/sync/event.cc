#include "weir/runtime/sync/event.h"

#include <mutex>

#include "weir/runtime/sync/internal/holder.h"

namespace weir {

using internal::wait_end;

void event::set() noexcept {
  lock_.lock();
  set_ = true;
  internal::wait_node* const all = waiters_.claim_all();
  lock_.unlock();
  internal::wake_all(all);
}

void event::reset() noexcept {
  std::lock_guard guard(lock_);
  set_ = false;
}

bool event::is_set() noexcept {
  std::lock_guard guard(lock_);
  return set_;
}

bool event::wait(deadline limit) {
  budget_.spend();
  lock_.lock();
  if (set_) {
    lock_.unlock();
    return true;
  }
  internal::wait_node node;
  const internal::wait_for why("wait", [this] { return internal::describe_place("event", where_); });
  const wait_end end = internal::park_in(lock_, waiters_, node, why, internal::interruptible::yes, limit,
                                         []() -> internal::wait_node* { return nullptr; });
  if (end == wait_end::cancelled) internal::meet_cancel("wait");
  return end == wait_end::woken;
}

}  // namespace weir
