// The scheduler itself under all interleavings within a bound: how work gets from outside to a worker that falls
// asleep, and how a runtime ends against a thread that has just done that. Only the actor, the worker's bell and its
// loop are stand-ins (stand_in/).
#include "weir/runtime/internal/scheduler.h"

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/wakers_in_flight.h"
#include "weir/runtime/internal/worker.h"

using explorer::check;
using simulated::must_fail;
using simulated::must_hold;
using weir::internal::actor_core;
using weir::internal::bug;
using weir::internal::scheduler;
using weir::internal::wakers_in_flight;
using weir::internal::worker;

namespace {

// How many preemptions: one less under sanitizers, where a run takes fifteen times as long.
#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
constexpr int bound(int usual) { return usual - 1; }
#else
constexpr int bound(int usual) { return usual; }
#endif

// Where a thread from outside puts what it makes runnable.
enum class way { inject, inbox };

// A thread outside makes two actors runnable, waits until they have run, and stops the workers.
void hand_over(explorer::run& run, int workers, way w) {
  struct state {
    scheduler s{false};
    std::array<std::optional<worker>, 2> workers;
    std::array<actor_core, 2> actors;
    explorer::atomic<int> done{0};
  };
  auto st = std::make_shared<state>();
  simulated::seed_shuffle(1);
  for (int i = 0; i < workers; ++i) st->workers[static_cast<std::size_t>(i)].emplace(st->s);
  for (int i = 0; i < workers; ++i)
    run.thread("worker " + std::to_string(i), [st, i] {
      st->workers[static_cast<std::size_t>(i)]->main([st](actor_core& a) {
        a.run();
        st->done.fetch_add(1);
      });
    });
  run.thread("outside", [st, w] {
    for (actor_core& a : st->actors)
      if (w == way::inject)
        st->s.push_foreign(a);
      else
        st->s.push_pinned(st->workers[0]->seat(), a);
    explorer::block_until([st] { return st->done.load() == 2; });
    st->s.stop();
  });
  run.after([st] {
    for (actor_core& a : st->actors) check(a.runs() == 1, "an actor was lost or ran twice");
  });
}

// A worker rests; a thread outside sends it mail, or the watchdog takes what a stuck worker has, and then stops it.
void end_of_a_rest(explorer::run& run, way w) {
  struct state {
    scheduler s{false};
    std::array<std::optional<worker>, 2> workers;
    std::array<actor_core, 2> actors;
    explorer::atomic<int> done{0};
  };
  auto st = std::make_shared<state>();
  simulated::seed_shuffle(1);
  for (auto& worker : st->workers) worker.emplace(st->s);
  scheduler::seat& stuck = st->workers[0]->seat();
  if (w == way::inject)
    for (actor_core& a : st->actors) st->s.push_back(stuck, a);
  run.thread("worker", [st] {
    st->workers[1]->main(
        [st](actor_core& a) {
          a.run();
          st->done.fetch_add(1);
        },
        worker::idles::resting);
  });
  run.thread("outside", [st, w] {
    if (w == way::inject)
      st->s.unload(st->workers[0]->seat());
    else
      for (actor_core& a : st->actors) st->s.push_pinned(st->workers[1]->seat(), a);
    explorer::block_until([st] { return st->done.load() == 2; });
    st->s.stop();
  });
  run.after([st] {
    for (actor_core& a : st->actors) check(a.runs() == 1, "an actor was lost or ran twice");
  });
}

// A worker puts its share of inject into its ring, and does not get on with it, so that the watchdog takes it away
// again.
void share_taken_away(explorer::run& run) {
  struct state {
    scheduler s{false};
    std::array<std::optional<worker>, 2> workers;
    std::array<actor_core, 4> actors;
    scheduler::seat& seat(int which) { return workers[static_cast<std::size_t>(which)]->seat(); }
    void take(int which) {
      if (actor_core* const a = s.pop(seat(which))) a->run();
    }
  };
  auto st = std::make_shared<state>();
  simulated::seed_shuffle(1);
  for (auto& w : st->workers) w.emplace(st->s);
  for (actor_core& a : st->actors) st->s.push_foreign(a);
  run.thread("worker", [st] { st->take(0); });
  run.thread("watchdog", [st] { st->s.unload(st->seat(0)); });
  run.thread("other", [st] { st->take(1); });
  run.after([st] {
    for (std::size_t turn = 0; turn < st->actors.size(); ++turn)
      for (int w : {0, 1}) st->take(w);
    for (actor_core& a : st->actors) check(a.runs() == 1, "an actor was lost or ran twice");
  });
}

// A worker wakes three actors, one more than it can keep to itself; the other worker may take some.
void spread(explorer::run& run) {
  struct state {
    scheduler s{false};
    std::array<std::optional<worker>, 2> workers;
    std::array<actor_core, 4> actors;
    explorer::atomic<int> done{0};
    void ran(actor_core& a, worker& on) {
      a.run();
      if (&a == &actors[0])
        for (std::size_t i = 1; i < actors.size(); ++i) s.push_local(on.seat(), actors[i], scheduler::kind::spawned);
      if (done.fetch_add(1) + 1 == static_cast<int>(actors.size())) s.stop();
    }
  };
  auto st = std::make_shared<state>();
  simulated::seed_shuffle(1);
  for (auto& w : st->workers) w.emplace(st->s);
  st->s.push_local(st->workers[0]->seat(), st->actors[0], scheduler::kind::spawned);
  for (std::size_t i = 0; i < 2; ++i)
    run.thread("worker " + std::to_string(i), [st, i] {
      worker& w = *st->workers[i];
      w.main([st, &w](actor_core& a) { st->ran(a, w); });
    });
  run.after([st] {
    for (actor_core& a : st->actors) check(a.runs() == 1, "an actor was lost or ran twice");
  });
}

// A thread outside wakes the last actor of a runtime, which then ends: steps 2 to 6 of runtime_core.h.
void end_against_a_foreign_wake(explorer::run& run, way w) {
  struct core {
    scheduler s{false};
    worker only{s};
    wakers_in_flight foreign;
  };
  struct state {
    std::optional<core> runtime{std::in_place};
    actor_core last;
    explorer::atomic<int> alive{1};
    explorer::atomic<bool> left{false};
  };
  auto st = std::make_shared<state>();
  simulated::seed_shuffle(1);
  run.thread("worker", [st] {
    st->runtime->only.main([st](actor_core& a) {
      a.run();
      st->alive.fetch_sub(1);
    });
    st->left.store(true);
  });
  run.thread("outside", [st, w] {
    core& c = *st->runtime;
    c.foreign.during([&] {
      if (w == way::inject)
        c.s.push_foreign(st->last);
      else
        c.s.push_pinned(c.only.seat(), st->last);
    });
  });
  run.thread("~runtime", [st] {
    explorer::block_until([st] { return st->alive.load() == 0; });
    st->runtime->s.stop();
    explorer::block_until([st] { return st->left.load(); });  // join
    st->runtime->foreign.wait_for_none();
    st->runtime.reset();
  });
}

}  // namespace

TEST_CASE("what a thread outside makes runnable is run once, however workers search and fall asleep") {
  for (const way w : {way::inject, way::inbox}) {
    must_hold(bound(3), [w](explorer::run& r) { hand_over(r, 1, w); });
    must_hold(bound(2), [w](explorer::run& r) { hand_over(r, 2, w); });
  }
}

TEST_CASE("a worker that rests is woken by its mail, and by the watchdog when there is work for it") {
  for (const way w : {way::inject, way::inbox}) must_hold(bound(3), [w](explorer::run& r) { end_of_a_rest(r, w); });
}

TEST_CASE("planted: a worker that does not look at its mail once more sleeps beside it") {
  const simulated::planted p(bug::mail_skip_recheck);
  must_fail("deadlock", 3, [](explorer::run& r) { hand_over(r, 1, way::inbox); });
  must_fail("deadlock", 3, [](explorer::run& r) { end_of_a_rest(r, way::inbox); });
}

TEST_CASE("planted: a worker that does not look at inject once more sleeps beside work") {
  const simulated::planted p(bug::inject_skip_recheck);
  must_fail("deadlock", 3, [](explorer::run& r) { hand_over(r, 1, way::inject); });
}

TEST_CASE("what a worker takes from inject is run once, though it is taken away from it meanwhile") {
  must_hold(bound(3), share_taken_away);
}

TEST_CASE("planted: an actor that is in a ring before it is out of inject takes the rest of inject with it") {
  const simulated::planted p(bug::inject_late_pop);
  must_fail("an actor was lost or ran twice", 3, share_taken_away);
}

TEST_CASE("what an actor makes runnable is run once, by its worker or by a thief") { must_hold(bound(3), spread); }

TEST_CASE("a runtime that ends is not touched by who has woken its last actor") {
  for (const way w : {way::inject, way::inbox})
    must_hold(
        bound(4), [w](explorer::run& r) { end_against_a_foreign_wake(r, w); }, simulated::lifetimes::checked);
}

TEST_CASE("planted: a runtime that ends without a look at the wakers in flight goes under one of them") {
  const simulated::planted p(bug::shutdown_no_wait);
  must_fail(
      "lifetime", 3, [](explorer::run& r) { end_against_a_foreign_wake(r, way::inject); },
      simulated::lifetimes::checked);
}

TEST_CASE("planted: a waker that is counted only after it has published may be overlooked") {
  const simulated::planted p(bug::shutdown_late_raise);
  must_fail(
      "lifetime", 3, [](explorer::run& r) { end_against_a_foreign_wake(r, way::inject); },
      simulated::lifetimes::checked);
}
