#include "weir/runtime/sync/wait_group.h"

#include <fmt/core.h>

#include <mutex>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/internal/holder.h"

namespace weir {

using internal::wait_end;

void wait_group::add(std::ptrdiff_t n, site where) {
  if (n < 0)
    internal::throw_misuse("wait_group::add", "0 or more can be added",
                           fmt::format("{} for {}", n, internal::describe_place("wait_group", where_)),
                           "Call done() for each that has ended.", where);
  std::lock_guard guard(lock_);
  count_ += n;
}

void wait_group::done(site where) noexcept {
  internal::wait_node* all = nullptr;
  lock_.lock();
  const bool too_often = count_ == 0;
  if (!too_often && --count_ == 0) all = waiters_.claim_all();
  lock_.unlock();
  internal::wake_all(all);
  if (too_often)
    internal::abort_misuse("wait_group::done", "it can be called as often as something was added",
                           "one call more for " + internal::describe_place("wait_group", where_),
                           "add() before what it counts is started.", where);
}

std::ptrdiff_t wait_group::count() noexcept {
  std::lock_guard guard(lock_);
  return count_;
}

void wait_group::wait(site where) { (void)wait(deadline::never(), where); }

bool wait_group::wait(deadline limit, site where) {
  budget_.spend();
  const internal::wait_for_at why("wait", where, [this] { return describe(); });
  internal::interruptible i = internal::unless_unwinding();
  for (;;) {
    lock_.lock();
    if (count_ == 0) {
      lock_.unlock();
      return true;
    }
    internal::wait_node node;
    switch (internal::park_in(lock_, waiters_, node, why, i, limit, []() -> internal::wait_node* { return nullptr; })) {
      case wait_end::woken:
        return true;
      case wait_end::timeout:
        return false;
      case wait_end::cancelled:
        internal::meet_cancel("wait");
        i = internal::interruptible::no;  // the caller unwinds by now: it waits on
    }
  }
}

internal::enrolled wait_group::enroll(internal::wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  if (count_ == 0) return internal::enroll_ready(node);
  waiters_.push_back(node);
  return internal::enrolled::waiting;
}

void wait_group::withdraw(internal::wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  waiters_.unlink(node);
}

std::string wait_group::describe() {
  return fmt::format("{} ({} left)", internal::describe_place("wait_group", where_), count());
}

}  // namespace weir
