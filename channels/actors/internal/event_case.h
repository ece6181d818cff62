// A select case whose source is a one-shot event (runtime/internal/event.h): the end of an actor, a request to stop.
//
// Thread-safety: as select_case.h.
#pragma once

#include "weir/channels/internal/select_case.h"
#include "weir/runtime/internal/event.h"

namespace weir::internal {

class event_case : public select_case {
 public:
  event_case(event& source, site at) noexcept : source_(source) { where = at; }

  bool try_now() final { return source_.is_set(); }
  enrolled enroll(wait_node& node) final {
    if (source_.enlist(node)) return enrolled::waiting;
    return node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
  }
  void withdraw(wait_node& node) noexcept final { source_.withdraw(node); }
  void completed(const wait_node&) noexcept final {}

 protected:
  ~event_case() = default;

 private:
  event& source_;
};

}  // namespace weir::internal
