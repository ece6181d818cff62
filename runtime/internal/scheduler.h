// The scheduler: which actor runs next, where, and which worker is woken for it.
//
// Thread-safety: all of it, as marked: `owner` functions are for the worker whose seat it is.
//
// Where runnable actors stand, and who may take them:
//
// - next: one slot per worker, for the actor that its running actor has just woken. The owner runs it first, while what
//   they share is warm. It rings no bell. A thief takes it only from a worker that has not switched for a whole search.
// - fresh: 256 per worker (spawn_deque.h), who have not run yet. The owner takes the newest, thieves the oldest, if it
//   holds several.
// - ring: 256 per worker (run_ring.h), what `next` pushed out, and who yielded. Thieves take half, if it holds several.
// - inject: one per runtime, under a lock, linked through the control blocks, so that it never allocates and is never
//   full: what comes from other threads, and what a full ring or fresh pushed out.
// - inbox: one per worker, under a lock, for pinned actors. Nobody else takes them; who is not pinned, but was sent
//   there, leaves with everything else if the worker is stuck.
//
// Fairness: `next` may be used 32 times in a row, then it goes to the end of the ring. Fresh goes before the ring, 128
// times in a row. Every 61st turn inject comes first. So a pair that plays ping-pong for ever starves nobody. If fresh
// does not get empty, its oldest one comes first every millisecond.
//
// What is made runnable, and who is called for it:
//
// - A wake on a worker: the woken goes to `next`; what was there goes to the ring; if the ring holds several then,
//   somebody is called (idle_workers.h says why no call is lost). A lone actor beside a running one is left to its
//   worker: waking a core costs thousands of switches. If that worker then does not switch for a millisecond, the
//   watchdog gives what stands there to inject, where a busy worker finds it too.
// - A wake from outside: to inject, then call; by the thread of a pool that goes on, in rounds (result_rounds.h).
// - A rest: a worker whose stolen actors were moved back, because they met their peers at locks there (biased_lock.h),
//   sleeps for a while without being called, longer each time; the watchdog ends it if a worker has much to do.
// - A search: 50 us at most, one worker at a time of two, looking at inject and at what others hold several of. Who
//   finds work looks once more for more work, and calls the next; not while results of pools come thick, and then the
//   watchdog calls for what waits behind an actor that computes. A worker that has had mail since its last search waits
//   as long for more, be it a searcher or not: nobody else can run its pinned actors, and two of them that talk across
//   workers would pay for a sleeping core at each step.
//
// WEIR_SCHED=migrate turns every wake and yield into a move, to the inbox of the worker after the one that the actor
// ran on last, so that whatever cannot stand a migration shows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/fifo.h"
#include "weir/runtime/internal/idle_workers.h"
#include "weir/runtime/internal/result_rounds.h"
#include "weir/runtime/internal/run_ring.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/spawn_deque.h"

namespace weir::internal {

class worker;

// Something to run on a worker's native stack, where its libuv loop may be used. Lives with whoever posts it.
struct loop_request {
  void (*run)(loop_request& self, worker& w) = nullptr;
  loop_request* next = nullptr;
};

class scheduler {
 public:
  static constexpr std::uint32_t inject_turns = 61;

  // A worker's place.
  struct seat : idle_seat {
    worker* self = nullptr;
    int index = 0;
    run_ring<actor_core> ring;
    spawn_deque<actor_core> fresh;
    int fresh_streak = 0;       // owner: turns of fresh in a row
    bool oldest_first = false;  // owner: the next turn of fresh is the oldest one's
    // Filled by the owner only, when it is empty or by an exchange; emptied by whoever exchanges it for null.
    alignas(64) atomic<actor_core*> next{nullptr};
    // Owner: turns so far. Others read it to see whether it moves; stale is fine.
    std::atomic<std::uint32_t> turns{0};
    int streak = 0;                             // owner: uses of `next` in a row
    std::uint32_t until_inject = inject_turns;  // owner: turns left until inject comes first
    bool inbox_last = false;                    // owner: the last turn came from the inbox, so the others come first
    bool expects_mail = false;                  // owner: there was some since the last search that brought none

    small_lock mail_lock;
    fifo<actor_core, &actor_core::queue_next> inbox;   // guarded by mail_lock
    std::size_t inbox_length = 0;                      // guarded by mail_lock
    fifo<loop_request, &loop_request::next> requests;  // guarded by mail_lock
    // Who looks after the requests while this worker is stuck (adoption.h). Seq_cst: post() reads it after it has
    // published, and the adopter looks for requests after it has written it.
    atomic<seat*> adopter{nullptr};
    atomic<bool> mail{false};  // one of the two holds something; seq_cst, as it takes part in the handshake
  };

  explicit scheduler(bool migrate) noexcept : migrate_(migrate) {}

  // REQUIRES: before any worker runs; the seat stays where it is.
  void add(seat& s);

  // owner: its running actor woke `a`, or has just spawned it.
  enum class kind : bool { woken, spawned };
  void push_local(seat& s, actor_core& a, kind k) noexcept;
  // owner: `a` yielded, or was woken while it parked.
  void push_back(seat& s, actor_core& a) noexcept;
  // Any other thread. With by_round nobody is called if a worker is to look within result_rounds::length.
  enum class bell : bool { at_once, by_round };
  void push_foreign(actor_core& a, bell b = bell::at_once) noexcept;
  // Anyone.
  void push_pinned(seat& s, actor_core& a) noexcept;

  // owner: the next actor of its own queues or inject, or null.
  actor_core* pop(seat& s) noexcept;

  // Anyone: `s` does not sleep, or not for long, before it has looked again.
  void call(seat& s) noexcept;

  // Runs `r` on the worker's native stack, soon.
  void post(seat& s, loop_request& r) noexcept;
  loop_request* pop_request(seat& s) noexcept;
  // For the adopter, which has announced its sleep: the last look.
  static bool has_request(seat& s) noexcept;

  // The watchdog: some worker is stuck, and others are to look after its loop (adoption.h). It says so again as long as
  // nobody does, so a wish that is missed is only late.
  void wish_adoption() noexcept;
  bool adoption_wished() const noexcept { return adoption_wished_.load(std::memory_order_relaxed); }
  // One of those who see it takes it.
  bool take_adoption_wish() noexcept { return adoption_wished_.exchange(false, std::memory_order_acquire); }

  // owner, with nothing to do: one who searches looks everywhere, again and again, until `until` or something turned
  // up.
  actor_core* search(seat& s, time_point until) noexcept;
  // owner: announces its sleep and looks once more. True: sleep; then, or if false, end_sleep().
  bool begin_sleep(seat& s) noexcept;
  // owner: the same for a rest (idle_workers.h). Then, or if false, end_sleep().
  bool begin_rest(seat& s) noexcept;
  void end_sleep(seat& s) noexcept { idle_.end_sleep(s); }
  result_rounds& rounds() noexcept { return rounds_; }

  // The watchdog: `s` does not come to what stands in its queues. Gives all of it that is not pinned to inject.
  void unload(seat& s) noexcept;
  // The watchdog: `s` computes, and comes slowly to what waits. Calls a sleeper, or ends the rests, if there is enough
  // for two, or somebody whom any worker may take.
  void call_for_help(seat& s) noexcept;
  // How many stand in the worker's own queues, the inbox included; a hint.
  static std::size_t waiting_behind(seat& s) noexcept;
  // How many stand where every worker may take them; a hint.
  std::size_t waiting_for_anybody() const noexcept { return inject_length_.load(std::memory_order_relaxed); }
  bool all_asleep() const noexcept { return idle_.sleeping() == seats_.size(); }
  // For quiescence.h: who sleeps; and whether any queue holds something, which is no hint if all were asleep before.
  idle_workers::census census() noexcept { return idle_.count(); }
  bool anything_queued() const noexcept;

  // Rings everybody; workers leave once they find nothing.
  void stop() noexcept;
  bool stopping() const noexcept { return stopping_.load(std::memory_order_seq_cst); }

 private:
  static constexpr int longest_streak = 32, longest_fresh_streak = 128;

  void push_ring(seat& s, actor_core& a) noexcept;
  void push_fresh(seat& s, actor_core& a) noexcept;
  template <class Take>
  void overflow(actor_core& a, Take&& take) noexcept;
  actor_core* pop_next(seat& s) noexcept;
  actor_core* pop_queues(seat& s) noexcept;
  actor_core* pop_fresh(seat& s) noexcept;
  actor_core* pop_inbox(seat& s) noexcept;
  actor_core* pop_inject(seat& s, std::size_t most) noexcept;
  actor_core* steal(seat& s) noexcept;
  static bool has_mail(seat& s) noexcept;
  void end_rests() noexcept;
  actor_core* steal_from_stuck(seat& s, const std::uint32_t* turns) noexcept;
  bool work_is_visible() noexcept;
  void found(seat& s) noexcept;
  void call_one() noexcept;
  void push_mail(seat& s, actor_core& a) noexcept;
  void push_elsewhere(const seat& last, actor_core& a) noexcept;

  const bool migrate_;
  // Immutable once workers run.
  bool alone_ = false;  // one worker only: nobody steals from it, so it needs no atomic read-modify-writes
  std::vector<seat*> seats_;
  idle_workers idle_;
  result_rounds rounds_;
  small_lock inject_lock_;
  fifo<actor_core, &actor_core::queue_next> inject_;  // guarded by inject_lock_
  // Length of inject_: written under inject_lock_; seq_cst, as it takes part in the handshake.
  alignas(64) atomic<std::size_t> inject_length_{0};
  atomic<bool> stopping_{false};
  atomic<bool> adoption_wished_{false};  // set by the watchdog: release pairs with take_adoption_wish()
};

}  // namespace weir::internal
