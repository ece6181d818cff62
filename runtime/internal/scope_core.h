// The node of a with_scope: a scope_node that also keeps its actors' failures, waits for the last of them, and lets at
// most so many live at once.
//
// Thread-safety: fail, expire, admit, give_place_back: all. The rest is the host's.
//
// Invariants, under lock_:
//  1. places_taken_ <= limit_: actors that are alive or about to be made.
//  2. A spawner waits only while all places are taken; an actor that ends hands its place to the longest-waiting one.
#pragma once

#include <exception>
#include <vector>

#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/scope_node.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class scope_core final : public scope_node {
 public:
  // `limit`: most actors alive at once; 0: any number.
  scope_core(actor_core& host, int limit, site where) noexcept : scope_node(kind::scope, &host, where), limit_(limit) {}

  // The first failure cancels the scope; later ones are kept too, as far as there is memory for the list.
  void fail(std::exception_ptr failure) noexcept;
  // Its deadline has come: cancels it, unless it is cancelled already.
  void expire() noexcept;

  // Takes a place for one more actor; parks while there is none. A cancel throws; while unwinding it waits on, as the
  // actors that take the places up meet the cancel too.
  void admit();
  // It was made. Every 64th time the spawner gives way, so that the actors run while what they use is warm.
  void made_one() noexcept {
    // Relaxed, and not in one step: several spawners may lose counts, and only the number of stacks depends on it.
    const unsigned count = made_.load(std::memory_order_relaxed) + 1;
    made_.store(count, std::memory_order_relaxed);
    if (count % most_in_a_row == 0) give_way();
  }
  // The actor could not be made.
  void give_place_back() noexcept;

  // host: parks until no child is left. A cancel does not end this wait: it has reached the children too.
  void wait_children();

  // host, after wait_children(): what the children left behind.
  const std::exception_ptr& first_failure() const noexcept { return first_failure_; }
  std::vector<std::exception_ptr> take_other_failures() noexcept { return std::move(other_failures_); }
  // An outer scope's cancel ended a child.
  bool ended_by_outer() const noexcept { return ended_by_outer_; }
  // The deadline cancelled the scope, and the cancel ended a child.
  bool expired() const noexcept { return expired_; }
  bool child_was_cut() const noexcept { return child_was_cut_; }

  // A child was unlinked. REQUIRES: lock_ held; it is free afterwards.
  void child_ended_and_unlock(const scope_node* cancelled_by) noexcept;

 private:
  wait_node* pass_place_locked() noexcept;

  static constexpr unsigned most_in_a_row = 64;

  const int limit_;
  atomic<unsigned> made_{0};  // written by spawners
  // Guarded by lock_.
  int places_taken_ = 0;
  bool expired_ = false;
  bool child_was_cut_ = false;
  bool ended_by_outer_ = false;
  wait_list spawners_;
  wait_list drained_;  // the host, waiting for the last child
  std::exception_ptr first_failure_;
  std::vector<std::exception_ptr> other_failures_;
};

}  // namespace weir::internal
