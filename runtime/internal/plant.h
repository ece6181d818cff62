// Known bugs that a test may plant, to show that the explorer and the test lanes see them.
//
// Outside builds with WEIR_PLANTS, planted() is constant false and the faulty branches are not compiled.
#pragma once

namespace weir::internal {

enum class bug {
  claim_after_move,        // a sender moves the value before it has won the claim: a timeout in between loses it
  parked_before_out,       // the actor is published as parked before it was switched out
  unlocked_before_parked,  // a source is unlocked before its waiter's wait is open
  bias_not_read_again,     // who got a biased lock's inner lock does not ask whether a bias was given meanwhile
  owners_share_a_flag,     // one worker's late flag wipes out the next owner's
  owner_not_awaited,       // a bias is taken away without waiting for an owner inside
  skip_second_look,        // select takes `otherwise` after the try pass alone
  ring_early_tail,         // the ring's tail is raised before the slot is written, and releases nothing
  ring_late_read,          // a thief reads the slots after it has claimed them
  deque_early_look,        // the owner looks at the oldest before its own step is seen
  deque_last_unclaimed,    // the owner takes the last one without a claim
  shutdown_late_raise,     // a foreign waker is counted only after it has published
  shutdown_no_wait,        // the runtime goes without a look at the foreign wakers
  mail_skip_recheck,       // a worker that falls asleep does not look at its mail once more
  inject_skip_recheck,     // a worker that falls asleep does not look at inject once more
  stale_waking,     // who was woken to take a mutex and lost the race leaves the mark that somebody is on the way
  inject_late_pop,  // what a worker takes from inject is in its ring before it is out of inject
  readiness_without_ticket,  // a call that found nothing takes away the readiness that came after it
  late_event_taken,          // an event of a closed descriptor counts for whoever has its memory
  close_marked_late,         // a descriptor's waiters are woken before it says that it is closed
  adoption_skip_bell,        // an adopter keeps the bell that it has heard to itself
  adoption_skip_look,        // an adopter that falls asleep does not look at the requests of those it has adopted
  lost_wake,                 // a waker forgets the last step, once in a while
};

#ifdef WEIR_PLANTS
// True while a test, or the environment (WEIR_PLANT=lost_wake), has planted `b`.
bool planted(bug b) noexcept;
// Plants or removes `b` for this process.
void plant(bug b, bool on) noexcept;
#else
constexpr bool planted(bug) noexcept { return false; }
#endif

}  // namespace weir::internal
