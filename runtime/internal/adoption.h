// Adoption: who looks after a worker's descriptors, timers and loop while its actor computes.
//
// A worker whose actor does not switch comes neither to its readiness set nor to its timers, loop and loop requests;
// what waits there waits although other workers are free. So:
//   1. The watchdog sees that the worker has not switched for a millisecond, writes down since which turn (stuck_), and
//      wishes that somebody adopts it: it sets a flag, and calls a sleeper if there is one.
//   2. The first worker that looks at its clock takes the wish, and becomes the adopter of each worker that still
//   stands
//      at the turn written down. The stuck worker's set becomes a member of the adopter's own set, so that what fires
//      there wakes an adopter that sleeps; and its timers bound that sleep.
//   3. At each look at the clock the adopter expires the timers, runs the loop and the requests, and tells what fired.
//   Who
//      becomes runnable stands in the adopter's queues. Pinned actors wait: only their worker may run them.
//   4. It ends as soon as the worker looks at its clock again, or the adopter sees that it has switched.
// A worker whose adopter is stuck too is wished for anew, and the next adopter takes it over. With one worker, or while
// all are stuck, nobody adopts.
//
// The races, and what decides each:
//  - The worker goes on while it is adopted: the heartbeat is compared under adoption_lock_, and may move right after.
//    So for some time two threads may look after the same things, and each of these stands it: the kernel gives an edge
//    to one of them, timers expire under their heap's lock, the loop and the requests have loop_lock_.
//  - The adopter hears the worker's doorbell, which rings for a sleep that has begun meanwhile: it ends the adoption,
//  and
//    then rings again, so that the edge meets nobody else.
//  - A request is posted to a stuck worker whose adopter falls asleep: post() publishes and reads seat::adopter, the
//    adopter announces its sleep and looks for requests (idle_workers.h has the argument; the adopter was written
//    before).
//  - Two workers that adopt each other: a worker that adopts runs, so it ends its own adoption first.
//
// Who writes what of a worker:
//   stuck_     the watchdog: turn * 2 + 1. Relaxed: it is compared with the present turn, and so is never wrong for
//   long. adopter_   whoever adopts it or ends that, under its adoption_lock_; with it seat::adopter, and the
//   membership of the
//              set. A hint without the lock.
//   adopted_   how many name it as their adopter; changed with their adopter_, under their locks.
#pragma once

#include "weir/runtime/internal/readiness_set.h"

namespace weir::internal {

// In the adopter's set: the set of the worker with the index that is added.
inline constexpr readiness_token first_adopted_token = 2;

}  // namespace weir::internal
