// weir::barrier: a fixed number of participants wait for each other, again and again.
//
// Thread-safety: all of it. May be destroyed by a participant whose last generation is complete: all others have
// arrived in it too. But who waits with a limit, or may be cancelled, has to have returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

class barrier : internal::sync_base {
 public:
  // REQUIRES: participants >= 1; else throws misuse.
  explicit barrier(std::ptrdiff_t participants, site where = site::current());

  // Arrives, and parks until all participants have; true. The last one to arrive wakes all, and the next generation
  // begins. False: `limit` came, or the caller unwinds in a cancelled scope. A cancel ends the wait: throws
  // weir::cancelled. Who leaves before the generation is complete has not arrived: it may come again, and the others go
  // on waiting. Of a generation that is complete, everybody's arrival counts.
  bool arrive_and_wait(deadline limit = {}, site where = site::current());

  // How many generations are complete. Stale at once.
  std::uint64_t generation() noexcept;

 private:
  std::string describe();

  const std::ptrdiff_t participants_;
  std::ptrdiff_t arrived_ = 0;  // guarded by lock_, as are:
  std::uint64_t generation_ = 0;
  internal::wait_list waiters_;
};

}  // namespace weir
