// The live view of a pipeline, on standard error: redrawn ten times a second on a terminal, else a line every ten
// seconds; at the end the final state stays.
//
// Thread-safety: as any object; made and destroyed by an actor.
#pragma once

#include <string>

#include "weir/channels/pipeline/run_state.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/sync/event.h"

namespace weir::internal {

class live_view {
 public:
  // Starts it. `run` outlives it.
  live_view(const run_state& run, std::string name);
  live_view(const live_view&) = delete;
  // Shows how the run has ended, and waits for that.
  ~live_view();

 private:
  void show();

  const run_state& run_;
  const std::string name_;
  weir::event ended_;
  actor<void> actor_;
};

}  // namespace weir::internal
