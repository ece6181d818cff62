// weir::semaphore: a number of permits that are taken and given back. First come, first served: who wants many is not
// passed by those who want few.
//
// Thread-safety: all of it. May be destroyed by whoever got the last permit that anybody releases.
#pragma once

#include <cstddef>
#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

class semaphore : internal::sync_base {
 public:
  // REQUIRES: permits >= 0; else throws misuse.
  explicit semaphore(std::ptrdiff_t permits, site where = site::current());

  // Takes `n` permits. Parks until there are as many and nobody waits who came before; release() wakes. A cancel ends
  // the wait: throws weir::cancelled, and nothing was taken; but while the caller unwinds, it waits on, as what follows
  // relies on the permits. With enough permits it is no cancellation point. Throws misuse if n < 1.
  void acquire(std::ptrdiff_t n = 1, site where = site::current());
  // The same, at most until `limit`: false then, and nothing was taken.
  [[nodiscard]] bool acquire(std::ptrdiff_t n, deadline limit, site where = site::current());
  // Takes them if that needs no wait. Never parks, is no cancellation point.
  [[nodiscard]] bool try_acquire(std::ptrdiff_t n = 1, site where = site::current());

  // Gives `n` permits back, or adds them. Never parks. Misuse (n < 1, more permits than fit) stops the process with a
  // report: it is called by destructors.
  void release(std::ptrdiff_t n = 1, site where = site::current()) noexcept;

  // One permit for the length of a block: `const std::lock_guard permit(s);`, or std::unique_lock.
  void lock() { acquire(); }
  [[nodiscard]] bool try_lock() { return try_acquire(); }
  void unlock() noexcept { release(); }

  // Permits that could be had now. Stale at once.
  std::ptrdiff_t available() noexcept;

  // For select. `n` stays where it is until withdraw().
  internal::enrolled enroll(internal::wait_node& node, std::ptrdiff_t& n) noexcept;
  void withdraw(internal::wait_node& node) noexcept;
  std::string describe(std::ptrdiff_t wanted);
  // Throws misuse if n < 1.
  void check(const char* call, std::ptrdiff_t n, site where) const;

 private:
  bool free_locked(std::ptrdiff_t n) const noexcept { return waiters_.empty() && permits_ >= n; }
  bool take_locked(std::ptrdiff_t n) noexcept;
  internal::wait_node* serve_locked() noexcept;

  std::ptrdiff_t permits_;       // guarded by lock_, as are:
  internal::wait_list waiters_;  // slot: the std::ptrdiff_t that says how many are wanted
};

}  // namespace weir
