// Adoption: who looks after a worker's descriptors, timers and loop while its actor computes.
//
// A worker whose actor does not switch comes neither to its readiness set nor to its timers, loop and loop requests;
// what waits there waits although other workers are free. So:
//   1. The watchdog sees that the worker has not switched for a millisecond, writes down since which turn (stuck_), and
//      wishes that somebody adopts it: it sets a flag, and calls a sleeper if there is one.
//   2. The first worker that looks at its clock takes the wish, and becomes the adopter of each worker that still
//      stands at the turn written down. From then on it sleeps in poll(2), on its own set and on those it has adopted,
//      at most until the first of their timers. So an adoption makes no system call, and costs the same however many
//      descriptors are in the set. (Were the stuck worker's set a member of the adopter's, the kernel would walk all of
//      its members at each adoption: 10 ms for 20 000.)
//   3. At each look at the clock the adopter tells what fired, runs the loop and the requests, and expires the timers.
//      The watchdog sees to it that there is such a look every millisecond or two, however long the adopter's own
//      actors compute. Who becomes runnable stands in the adopter's queues. Pinned actors wait: only their worker may
//      run them.
//   4. It ends as soon as the worker looks at its clock again, or the adopter sees that it has switched.
// A worker whose adopter is stuck too is wished for anew, and the next adopter takes it over. With one worker, or while
// all are stuck, nobody adopts.
//
// The races, and what decides each:
//  - The worker goes on while it is adopted: the heartbeat is compared under adoption_lock_, and may move right after.
//    So for some time two threads may look after the same things, and each of these stands it: the kernel gives an edge
//    to one of them, timers expire under their heap's lock, the loop and the requests have loop_lock_.
//  - The adopter hears the worker's doorbell, which rings for a sleep that has begun meanwhile: it ends the adoption,
//    and then rings again, so that the edge meets nobody else.
//  - It runs a request or the loop, which starts a timer of libuv's, while the worker, which goes on, has found none
//    and falls asleep: the same bell.
//  - The adopter sleeps on the set of a worker that has gone on: it is woken for nothing, at most once.
//  - A request is posted to a stuck worker whose adopter falls asleep: post() publishes and reads seat::adopter, the
//    adopter announces its sleep and looks for requests (idle_workers.h has the argument; the adopter was written
//    before).
//  - Two workers that adopt each other: a worker that adopts runs, so it ends its own adoption first.
//
// Who writes what of a worker:
//   stuck_     the watchdog: turn * 2 + 1. Relaxed: it is compared with the present turn, and so is never wrong for
//              long.
//   adopter_   whoever adopts it or ends that, under its adoption_lock_; with it seat::adopter. A hint without the
//              lock.
//   adopted_   how many name it as their adopter; changed with their adopter_, under their locks. Relaxed: it is read
//              by its own worker, which raises it; who lowers it only spares that worker a look.
#pragma once

namespace weir::internal {

// By one worker: so many sets does it sleep on beside its own. Who is stuck beyond that waits for another adopter.
inline constexpr int most_adopted = 63;

}  // namespace weir::internal
