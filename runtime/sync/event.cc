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

bool event::wait(deadline limit, site where) {
  budget_.spend();
  lock_.lock();
  if (set_) {
    lock_.unlock();
    return true;
  }
  internal::wait_node node;
  const internal::wait_for_at why("wait", where, [this] { return describe(); });
  const wait_end end = internal::park_in(lock_, waiters_, node, why, internal::interruptible::yes, limit,
                                         []() -> internal::wait_node* { return nullptr; });
  if (end == wait_end::cancelled) internal::meet_cancel("wait");
  return end == wait_end::woken;
}

internal::enrolled event::enroll(internal::wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  if (set_) return internal::enroll_ready(node);
  waiters_.push_back(node);
  return internal::enrolled::waiting;
}

void event::withdraw(internal::wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  waiters_.unlink(node);
}

std::string event::describe() const { return internal::describe_place("event", where_); }

}  // namespace weir
