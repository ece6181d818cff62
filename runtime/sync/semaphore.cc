#include "weir/runtime/sync/semaphore.h"

#include <fmt/core.h>

#include <limits>
#include <mutex>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/internal/holder.h"

namespace weir {

using internal::wait_end;
using internal::wait_node;

semaphore::semaphore(std::ptrdiff_t permits, site where) : sync_base(where), permits_(permits) {
  if (permits < 0)
    internal::throw_misuse("semaphore", "it must begin with 0 or more permits", std::to_string(permits),
                           "Begin with 0 and release() what comes later.", where);
}

void semaphore::check(const char* call, std::ptrdiff_t n, site where) const {
  if (n < 1)
    internal::throw_misuse(call, "at least 1 permit must be asked for",
                           fmt::format("{} of {}", n, internal::describe_place("semaphore", where_)),
                           "Leave the call out if there is nothing to take.", where);
}

// Who waits was there first. A waiter that is about to leave counts too, until it has.
bool semaphore::take_locked(std::ptrdiff_t n) noexcept {
  if (!free_locked(n)) return false;
  permits_ -= n;
  return true;
}

// Gives permits to those who wait, in order. The answer is a chain to be woken after unlock.
wait_node* semaphore::serve_locked() noexcept {
  wait_node* chain = nullptr;
  wait_node** end = &chain;
  while (wait_node* const first = waiters_.front()) {
    const std::ptrdiff_t wanted = *static_cast<const std::ptrdiff_t*>(first->slot);
    if (wanted > permits_) break;
    wait_node* const n = waiters_.claim_front();
    if (n == nullptr) continue;  // it gave up
    permits_ -= wanted;
    n->next = nullptr;
    *end = n;
    end = &n->next;
  }
  return chain;
}

void semaphore::acquire(std::ptrdiff_t n, site where) { (void)acquire(n, deadline::never(), where); }

bool semaphore::acquire(std::ptrdiff_t n, deadline limit, site where) {
  check("semaphore::acquire", n, where);
  budget_.spend();
  const internal::wait_for_at why("acquire", where, [this, n] { return describe(n); });
  internal::interruptible i = internal::unless_unwinding();
  for (;;) {
    lock_.lock();
    if (take_locked(n)) {
      lock_.unlock();
      return true;
    }
    wait_node node;
    node.slot = &n;
    // Who leaves the front may have kept others back that want less.
    switch (internal::park_in(lock_, waiters_, node, why, i, limit, [this] { return serve_locked(); })) {
      case wait_end::woken:
        return true;
      case wait_end::timeout:
        return false;
      case wait_end::cancelled:
        internal::meet_cancel("acquire");
        i = internal::interruptible::no;  // the caller unwinds by now: it waits on
    }
  }
}

bool semaphore::try_acquire(std::ptrdiff_t n, site where) {
  check("semaphore::try_acquire", n, where);
  budget_.spend();
  lock_.lock();
  const bool taken = take_locked(n);
  lock_.unlock();
  return taken;
}

void semaphore::release(std::ptrdiff_t n, site where) noexcept {
  lock_.lock();
  const std::ptrdiff_t before = permits_;
  const bool fits = n >= 1 && n <= std::numeric_limits<std::ptrdiff_t>::max() - before;
  if (fits) permits_ += n;
  wait_node* const served = serve_locked();
  lock_.unlock();
  internal::wake_all(served);
  if (!fits)
    internal::abort_misuse("semaphore::release", "1 or more permits can be released, and their sum must fit",
                           fmt::format("{} beside {} of {}", n, before, internal::describe_place("semaphore", where_)),
                           "Release what was acquired, once.", where);
}

std::ptrdiff_t semaphore::available() noexcept {
  std::lock_guard guard(lock_);
  return permits_;
}

internal::enrolled semaphore::enroll(wait_node& node, std::ptrdiff_t& n) noexcept {
  std::lock_guard guard(lock_);
  if (!free_locked(n)) {
    node.slot = &n;
    waiters_.push_back(node);
    return internal::enrolled::waiting;
  }
  const internal::enrolled e = internal::enroll_ready(node);
  if (e == internal::enrolled::done) permits_ -= n;
  return e;
}

void semaphore::withdraw(wait_node& node) noexcept {
  lock_.lock();
  waiters_.unlink(node);
  wait_node* const served = serve_locked();  // it may have kept others back that want less
  lock_.unlock();
  internal::wake_all(served);
}

std::string semaphore::describe(std::ptrdiff_t wanted) {
  return fmt::format("{} ({} free, {} wanted)", internal::describe_place("semaphore", where_), available(), wanted);
}

}  // namespace weir
