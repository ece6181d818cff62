// weir::wait_group: counts what is under way, and lets others wait until nothing is. For actors that belong to one
// scope, leaving the scope does that already.
//
// Thread-safety: all of it. May be destroyed by a waiter whose wait is over, once nobody else waits. It can be used
// again as soon as the count is 0; a wait ends when the count was 0 once, whatever is added then.
#pragma once

#include <cstddef>
#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

class wait_group : internal::sync_base {
 public:
  constexpr wait_group(site where = site::current()) noexcept  // NOLINT(google-explicit-constructor)
      : sync_base(where) {}

  // Before what it counts is started, or a wait may see 0 too early. Throws misuse if n < 0.
  void add(std::ptrdiff_t n = 1, site where = site::current());
  // One less; the last one wakes. Never parks. At 0 it is misuse, which stops the process with a report: it is called
  // by destructors.
  void done(site where = site::current()) noexcept;
  // Stale at once.
  std::ptrdiff_t count() noexcept;

  // Parks until the count is 0. A cancel ends the wait: throws weir::cancelled; but while the caller unwinds, it waits
  // on, as join does. At 0 it returns at once, whatever the cancel.
  void wait(site where = site::current());
  // The same, at most until `limit`: false then.
  [[nodiscard]] bool wait(deadline limit, site where = site::current());

  // For select.
  internal::enrolled enroll(internal::wait_node& node) noexcept;
  void withdraw(internal::wait_node& node) noexcept;
  std::string describe();

 private:
  std::ptrdiff_t count_ = 0;  // guarded by lock_, as are:
  internal::wait_list waiters_;
};

}  // namespace weir
