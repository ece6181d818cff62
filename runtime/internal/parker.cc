#include "weir/runtime/internal/parker.h"

namespace weir::internal {

// The planted bug: every 40th wake of the process is forgotten.
bool parker::forget_this_wake() noexcept {
  static std::atomic<unsigned> count{0};
  return count.fetch_add(1, std::memory_order_relaxed) % 40 == 39;
}

}  // namespace weir::internal
