#include "weir/runtime/internal/random.h"

#include "weir/runtime/base/clock.h"

namespace weir::internal {

// Never inlined: the caller may be on another thread after its next park.
__attribute__((noinline)) random_source& thread_random() noexcept {
  asm volatile("" ::: "memory");
  thread_local random_source mine(static_cast<std::uint64_t>(now().time_since_epoch().count()) ^
                                  reinterpret_cast<std::uintptr_t>(&mine));
  return mine;
}

}  // namespace weir::internal
