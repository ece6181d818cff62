// One wait for what comes from outside the process through a readiness set: while there is one, nothing is a deadlock.
//
// Thread-safety: begin and end by the same actor, or plain thread.
//
// Actors count on the worker they are on, so that a wait costs two plain stores; only the sum over a runtime's workers
// means anything, as the actor may have moved in between. It is read while they all sleep (quiescence.h). Plain threads
// count in outside_events.h. In worker.cc.
#pragma once

namespace weir::internal {

// Before the park.
void begin_outside_wait() noexcept;
// After it. REQUIRES: no lock is held.
void end_outside_wait() noexcept;

class outside_wait {
 public:
  outside_wait() noexcept { begin_outside_wait(); }
  outside_wait(const outside_wait&) = delete;
  ~outside_wait() { end_outside_wait(); }
};

}  // namespace weir::internal
