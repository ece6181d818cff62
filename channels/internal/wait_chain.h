// Claimed waiters, to be woken when the lock is free: linked through the nodes that lie on their stacks.
//
// Thread-safety: none; one thread builds and wakes a chain.
#pragma once

#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class wait_chain {
 public:
  bool empty() const noexcept { return first_ == nullptr; }

  // REQUIRES: `n` is claimed and unlinked.
  void add(wait_node& n) noexcept {
    n.next = nullptr;
    (last_ ? last_->next : first_) = &n;
    last_ = &n;
  }

  // Not under the lock. Afterwards the chain is empty.
  void wake() noexcept {
    wake_all(first_);
    first_ = last_ = nullptr;
  }

 private:
  wait_node* first_ = nullptr;
  wait_node* last_ = nullptr;
};

}  // namespace weir::internal
