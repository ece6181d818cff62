// Actors in the order in which they end: what as_completed, join_any and monitor wait on.
//
// Thread-safety: the one actor or thread that owns it; actors enter it as they end.
//
// Invariants:
//  1. A hook stands in its actor's list of waiters until the actor ends or the queue takes it back; the claim decides.
//  A
//     hook whose claim was lost is delivered soon, and the queue waits for that before it goes.
//  2. deliver() touches nothing of the queue after lock_ is free, but the owner that it claimed; and nothing of the
//     hook, which goes when it is popped.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/fifo.h"
#include "weir/runtime/internal/standing_wait.h"

namespace weir::internal {

struct release_actor {
  void operator()(actor_core* a) const noexcept { a->release(); }
};
// A counted reference, as a handle has one.
using actor_reference = std::unique_ptr<actor_core, release_actor>;

class exit_queue {
 public:
  // `call`: whose name errors and dumps carry.
  exit_queue(const char* call, site where) noexcept : call_(call), where_(where) {}
  exit_queue(const exit_queue&) = delete;
  // Forgets those that have not ended. May park, uninterruptibly and for some microseconds.
  ~exit_queue();

  struct ended {
    std::size_t number;  // how many were watched before it
    actor_reference actor;
  };

  // Adds an actor. It may have ended already. Misuse if it is the caller.
  void watch(actor_core& a);
  // How many were not popped.
  std::size_t left() const noexcept { return hooks_.size(); }
  // The next one that has ended; empty if `limit` came first. A cancel throws; while unwinding it waits on.
  // REQUIRES: left() > 0.
  std::optional<ended> pop(deadline limit);
  // The same without waiting: empty if none has ended.
  std::optional<ended> try_pop();

  // For a select: links `n`, whose owner the next delivery then claims. False: one has ended already.
  bool enlist(wait_node& n) noexcept;
  void withdraw(wait_node& n) noexcept;

 private:
  class hook final : public standing_wait {
   public:
    hook(exit_queue& queue, std::size_t index, actor_core& a) noexcept;
    static void deliver(parker* self) noexcept;

    exit_queue& owner;
    const std::size_t number;
    actor_reference actor;
    wait_node node;                   // in the actor's list of waiters
    hook* queue_next = nullptr;       // guarded by the queue's lock_
    std::list<hook>::iterator place;  // in hooks_
  };

  // Waits for the next delivery. REQUIRES: lock_ held; it is free afterwards.
  wake_cause wait_and_unlock(interruptible i, deadline limit);
  ended take(hook& h);

  const char* const call_;
  const site where_;
  std::list<hook> hooks_;  // where they stay until they are popped
  std::size_t watched_ = 0;

  small_lock lock_;
  // Guarded by lock_.
  fifo<hook, &hook::queue_next> arrived_;  // not popped yet
  std::size_t arrived_count_ = 0;
  wait_list owner_;  // the owner, while it waits for a delivery
};

}  // namespace weir::internal
