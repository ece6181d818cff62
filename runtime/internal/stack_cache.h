// A worker's own free stacks of one size: two chains, so that a worker that takes and gives around the edge of one
// does not go to the pool each time.
//
// Thread-safety: one thread at a time.
//
// Origin: Bonwick and Adams, Magazines and Vmem (USENIX 2001).
#pragma once

#include <utility>

#include "weir/runtime/internal/stack.h"

namespace weir::internal {

class stack_cache {
 public:
  // The one given last; null: none is left, fill() first.
  stack_block* take() noexcept {
    if (loaded_.empty()) {
      if (spare_.empty()) return nullptr;
      std::swap(loaded_, spare_);
    }
    return loaded_.pop();
  }
  // REQUIRES: take() has returned null.
  void fill(stack_chain chain) noexcept { loaded_ = chain; }

  // Returns a full chain for the pool, the colder one, or an empty one.
  stack_chain give(stack_block* block) noexcept {
    stack_chain surplus;
    if (loaded_.count == stack_chain::full) surplus = std::exchange(spare_, std::exchange(loaded_, {}));
    loaded_.push(block);
    return surplus;
  }

  // Takes all; the caller calls it until the answer is empty.
  stack_chain drain() noexcept { return std::exchange(spare_.empty() ? loaded_ : spare_, {}); }

 private:
  stack_chain loaded_;
  stack_chain spare_;  // empty or full
};

}  // namespace weir::internal
