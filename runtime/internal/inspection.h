// A look at a parked actor.
//
// Thread-safety: any thread that keeps the actor from ending (scope_node::visit_below does).
#pragma once

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {

// Keeps a parked actor from running, so that what it points to stays.
class inspection {
 public:
  explicit inspection(actor_core& a) noexcept : actor_(a), held_(a.word().inspect()) {}
  inspection(const inspection&) = delete;
  ~inspection() {
    // A wake that came meanwhile left the rest to us.
    if (held_ && actor_.word().finish_inspection() == commit_result::notified) actor_.runtime().enqueue(actor_);
  }
  // Null if it is not parked, or claimed already.
  const wait_reason* reason() const noexcept { return held_ ? actor_.waiting() : nullptr; }

 private:
  actor_core& actor_;
  const bool held_;
};

}  // namespace weir::internal
