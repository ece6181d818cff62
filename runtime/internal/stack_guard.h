// The guard ladder: what each kernel can do to stop a stack overflow, tried from the best down.
//
// A rung is probed by doing: an installation that fails leads to the next rung, for the slots that are left. mprotect
// is used for a quarter of vm.max_map_count in the whole process, half of the mappings that it may have. Below that a
// slot is unguarded: a line on stderr says so, once a runtime, and the dump counts them.
//
// Thread-safety: all of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/stack.h"

namespace weir::internal {

// Where the ladder begins: the environment's WEIR_STACK_GUARD (madvise, mprotect or canary, for tests), else at the
// top. Throws misuse.
stack_guard first_stack_guard(site where);

class guard_ladder {
 public:
  explicit guard_ladder(stack_guard first) noexcept : first_(first), silent_(first == stack_guard::canary) {}

  // Guards the slots and sets their `guard`. At most stack_chain::full.
  void install(std::span<stack_block> blocks) noexcept;
  // Their arena is about to be unmapped.
  void forget(std::span<const stack_block> blocks) noexcept;

  // Slots without a guard page.
  std::size_t unguarded() const noexcept { return unguarded_.load(std::memory_order_relaxed); }

 private:
  // Written by install(), read by the next, relaxed: stale is fine, the rung is only tried once more.
  std::atomic<stack_guard> first_;
  std::atomic<std::size_t> unguarded_{0};  // a counter, relaxed
  const bool silent_;                      // who asks for canaries needs no warning
};

}  // namespace weir::internal
