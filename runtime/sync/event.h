// weir::event: is set or not, and can be waited for. As a level: whoever comes while it is set does not wait.
//
// Thread-safety: all of it. May be destroyed by a waiter that has seen it set, once nobody else waits.
#pragma once

#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

class event : internal::sync_base {
 public:
  constexpr explicit event(bool set = false, site where = site::current()) noexcept : sync_base(where), set_(set) {}

  // Lets everybody go who waits, also if reset() follows before they run, and whoever comes until then.
  void set() noexcept;
  void reset() noexcept;
  bool is_set() noexcept;

  // Parks until set; true. False: `limit` came, or the caller unwinds in a cancelled scope. A cancel ends the wait:
  // throws weir::cancelled. An event that is set succeeds at once, whatever the limit and the cancel.
  bool wait(deadline limit = {}, site where = site::current());

  // For select.
  internal::enrolled enroll(internal::wait_node& node) noexcept;
  void withdraw(internal::wait_node& node) noexcept;
  std::string describe() const;

 private:
  bool set_;  // guarded by lock_, as are:
  internal::wait_list waiters_;
};

}  // namespace weir
