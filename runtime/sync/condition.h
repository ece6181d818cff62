// weir::condition: waits, with a weir::mutex let go meanwhile, until somebody who changed something says so.
//
// Thread-safety: all of it. May be destroyed once all its waiters have been notified, even if they have not run yet;
// but who waits with a limit, or may be cancelled, has to have returned.
//
// No notification is lost: who calls notify after having changed the state under the mutex reaches everybody who looked
// at the state before, because a waiter stands in the list before it lets the mutex go. No wait ends without a cause.
#pragma once

#include <mutex>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/internal/waiting.h"
#include "weir/runtime/sync/mutex.h"

namespace weir {

class condition : internal::sync_base {
 public:
  constexpr condition(site where = site::current()) noexcept
      : sync_base(where) {}  // NOLINT(google-explicit-constructor)

  // Lets the mutex go, parks, and takes it again before it returns or throws. True: notified. False: `limit` came, or
  // the caller unwinds in a cancelled scope. A cancel ends the wait: throws weir::cancelled, with the mutex held; but a
  // notification that has already chosen this waiter wins. To take the mutex again, neither limit nor cancel counts.
  // Misuse if `lock` holds no mutex.
  bool wait(std::unique_lock<mutex>& lock, deadline limit = {}, site where = site::current());

  // Waits until ready(), which is called with the mutex held. False: the limit came, or the caller unwinds in a
  // cancelled scope, and ready() is still false.
  template <class Predicate>
  requires std::is_invocable_r_v<bool, Predicate&>
  bool wait(std::unique_lock<mutex>& lock, Predicate ready, deadline limit = {}, site where = site::current()) {
    while (!ready())
      if (!wait(lock, limit, where)) return ready();
    return true;
  }

  // Wakes who has waited longest, or everybody. Never park, with or without the mutex held.
  void notify_one() noexcept;
  void notify_all() noexcept;

 private:
  struct both_locks;

  internal::wait_list waiters_;  // guarded by lock_
};

}  // namespace weir
