// mutex and condition under all interleavings within a bound: the hand-over, its races, and the last touch.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"
#include "weir/runtime/sync/condition.h"
#include "weir/runtime/sync/internal/holder.h"
#include "weir/runtime/sync/mutex.h"

// Names of holders, for reports that no test here provokes.
namespace weir::internal {
std::string describe_holder(const parker&) { return "an actor"; }
std::string describe_place(const char* what, site) { return what; }
}  // namespace weir::internal

using namespace std::chrono_literals;
using explorer::check;
using simulated::actor;
using simulated::as;
using simulated::must_fail;
using simulated::must_hold;
using weir::internal::bug;

namespace {

struct guarded {
  actor a, b, c;
  weir::mutex m;
  explorer::plain<int> count{0, "the guarded count"};
  void add() { count.set(count.get() + 1); }
};

// Final check; locks as one of the actors, as the mutex wants to know who.
void check_free(guarded& g) {
  as(g.a, [&g] {
    check(g.m.try_lock(), "the mutex is not free");
    g.m.unlock();
  })();
}

// Three that lock and unlock; the first of them twice, so that it passes those whom it woke.
void exclusion(explorer::run& run) {
  auto s = std::make_shared<guarded>();
  const auto section = [s] {
    s->m.lock();
    s->add();
    s->m.unlock();
  };
  run.thread("a", as(s->a, [section] {
               section();
               section();
             }));
  run.thread("b", as(s->b, section));
  run.thread("c", as(s->c, section));
  run.after([s] {
    check(s->count.get() == 4, "a section was lost");
    check_free(*s);
  });
}

// One waits with a deadline, or is cancelled, while another lets go and a third waits behind it.
void giving_up(explorer::run& run, bool by_cancel) {
  auto s = std::make_shared<guarded>();
  run.thread("holder", as(s->a, [s] {
               s->m.lock();
               s->add();
               s->m.unlock();
             }));
  run.thread("doubtful", as(s->b, [s, by_cancel] {
               bool got = true;
               if (by_cancel)
                 s->m.lock();  // simulated as unwinding: it goes on to wait
               else
                 got = s->m.lock(1h);
               if (!got) return;
               s->add();
               s->m.unlock();
             }));
  run.thread("patient", as(s->c, [s] {
               s->m.lock();
               s->add();
               s->m.unlock();
             }));
  if (by_cancel)
    run.thread("canceller", [s] { s->b.interrupt(); });
  else
    run.thread("timer", [s] { s->b.timer_fires(); });
  run.after([s, by_cancel] {
    check(s->count.get() >= (by_cancel ? 3 : 2), "a section was lost");
    check_free(*s);
  });
}

// Whoever is last destroys it.
void last_one_destroys(explorer::run& run) {
  struct state {
    actor a, b;
    std::unique_ptr<weir::mutex> m = std::make_unique<weir::mutex>();
    explorer::plain<int> users{2, "users"};
  };
  auto* const s = new state;  // freed by the final check, as it must outlive what the explorer sees
  const auto use = [s] {
    s->m->lock();
    s->users.set(s->users.get() - 1);
    const bool last = s->users.get() == 0;
    s->m->unlock();
    if (last) s->m.reset();
  };
  run.thread("a", as(s->a, use));
  run.thread("b", as(s->b, use));
  run.after([s] { delete s; });
}

// A flag, a mutex and a condition: the one that waits sees the flag.
void notification(explorer::run& run) {
  struct state : guarded {
    weir::condition changed;
    bool set = false;
  };
  auto s = std::make_shared<state>();
  run.thread("waiter", as(s->a, [s] {
               std::unique_lock lock(s->m);
               s->changed.wait(lock, [s] { return s->set; });
               s->add();
             }));
  run.thread("notifier", as(s->b, [s] {
               {
                 std::lock_guard guard(s->m);
                 s->set = true;
                 s->add();
               }
               s->changed.notify_one();
             }));
  run.after([s] { check(s->count.get() == 2, "somebody is missing"); });
}

}  // namespace

TEST_CASE("a mutex has one holder, and whoever waits gets it") { must_hold(3, exclusion); }

TEST_CASE("timeout and cancel against hand-over: the mutex goes to the next") {
  const int bound = std::getenv("WEIR_NIGHTLY") ? 3 : 2;  // with 3 it is a million runs
  must_hold(bound, [](explorer::run& r) { giving_up(r, false); });
  must_hold(bound, [](explorer::run& r) { giving_up(r, true); });
}

TEST_CASE("unlock touches nothing of a mutex that the next holder may have destroyed") {
  const explorer::result r = explorer::explore({.preemptions = 4}, last_one_destroys);
  WARN(r.runs << " interleavings");
  INFO(r.text());
  CHECK_FALSE(r.failed);
  CHECK(r.exhausted);
}

TEST_CASE("a waiter that looked before the change is told of it") { must_hold(3, notification); }

TEST_CASE("planted: a loser that leaves the mark of being on its way is given the mutex when it is gone") {
  const simulated::planted p(bug::stale_waking);
  must_fail("the mutex is not free", 2, exclusion);
}
