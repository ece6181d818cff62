// An arena: one mapping, cut into stacks of one size as they are asked for.
//
// Thread-safety: guarded by the pool's lock, but for discard().
//
// A slot is uncut; or clean: cut, free, without memory; or out: with an actor, in a cache, or free with its memory.
// The first ones are used first, so that the later arenas of a burst become clean altogether, and are unmapped.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "weir/runtime/internal/stack.h"
#include "weir/runtime/internal/stack_guard.h"

namespace weir::internal {

class stack_arena {
 public:
  // Reserves address space, no memory, for `slots` stacks, or for fewer if there is not so much. Throws no_memory.
  static std::unique_ptr<stack_arena> reserve(stack_pool& pool, guard_ladder& guards, std::size_t size_class,
                                              std::size_t slots);
  // The most slots of one arena.
  static std::size_t most_slots(std::size_t size_class) noexcept;

  stack_arena(const stack_arena&) = delete;
  stack_arena& operator=(const stack_arena&) = delete;
  ~stack_arena();

  std::size_t slots() const noexcept { return slots_; }
  bool has_room() const noexcept { return !clean_.empty() || blocks_.size() < slots_; }
  bool all_clean() const noexcept { return clean_.count == blocks_.size(); }

  // At most stack_chain::full stacks, clean ones first. REQUIRES: has_room().
  stack_chain take() noexcept;
  // A stack whose memory was discarded.
  void give_clean(stack_block* block) noexcept { clean_.push(block); }

 private:
  stack_arena(stack_pool& pool, guard_ladder& guards, std::size_t size_class) noexcept;
  void map(std::size_t slots);

  guard_ladder& guards_;
  stack_layout layout_;
  std::size_t slots_ = 0;
  std::vector<stack_block> blocks_;  // those that are cut; reserved for all, so that none moves
  stack_chain clean_;
};

// Gives the memory of free stacks back to the kernel; their guards stay. Without a lock, by whoever holds the chain.
void discard(const stack_chain& chain) noexcept;

}  // namespace weir::internal
