// Adoption under all interleavings within a bound: who adopts falls asleep while a request comes for the stuck worker,
// and who is adopted goes on while its adopter looks after it. adoption.cc and the scheduler are the library's own; the
// worker's bell, its life and its loop are stand-ins (stand_in/).
#include "weir/runtime/internal/adoption.h"

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/scheduler.h"
#include "weir/runtime/internal/worker.h"

using explorer::check;
using simulated::must_fail;
using simulated::must_hold;
using weir::internal::actor_core;
using weir::internal::bug;
using weir::internal::loop_request;
using weir::internal::scheduler;
using weir::internal::worker;

namespace {

// One preemption less under sanitizers, as in scheduler_test.cc.
#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
constexpr int bound(int usual) { return usual - 1; }
#else
constexpr int bound(int usual) { return usual; }
#endif

// A worker whose actor computes, and one with nothing to do; the watchdog has wished that it is adopted.
struct world {
  scheduler s{false};
  std::vector<worker*> all;
  std::array<std::optional<worker>, 2> workers;
  actor_core hog, guest;
  explorer::atomic<bool> over{false};
  struct request : loop_request {
    explorer::atomic<bool>* over = nullptr;
    explorer::plain<int> runs{0, "a request"};
  } asked;

  world() {
    simulated::seed_shuffle(1);
    for (auto& w : workers) w.emplace(s, &all);
    asked.over = &over;
    asked.run = [](loop_request& self, worker&) {
      auto& mine = static_cast<request&>(self);
      mine.runs.set(mine.runs.get() + 1);
      mine.over->store(true);
    };
    stuck().gets_stuck(hog);
  }
  worker& stuck() { return *workers[0]; }
  worker& other() { return *workers[1]; }
  void live(worker& w, worker::idles how = worker::idles::asleep) {
    w.main_that_adopts(
        [this](actor_core& a) {
          a.run();
          over.store(true);
        },
        over, how);
  }
};

// When the actor gives way.
enum class computes { until_all_is_done, for_some_time };

// A request for the stuck worker's loop.
void request(explorer::run& run, computes c, worker::idles how) {
  auto st = std::make_shared<world>();
  run.thread("stuck", [st, c] {
    if (c == computes::until_all_is_done) explorer::block_until([st] { return st->over.load(); });
    st->stuck().goes_on();
    st->live(st->stuck());
  });
  run.thread("other", [st, how] { st->live(st->other(), how); });
  run.thread("outside", [st] { st->s.post(st->stuck().seat(), st->asked); });
  run.after([st] { check(st->asked.runs.get() == 1, "the request was lost or ran twice"); });
}

// An actor that only the stuck worker may run; so it has to go on, and falls asleep first perhaps.
void mail(explorer::run& run) {
  auto st = std::make_shared<world>();
  run.thread("stuck", [st] {
    st->stuck().goes_on();
    st->live(st->stuck());
  });
  run.thread("other", [st] { st->live(st->other()); });
  run.thread("outside", [st] { st->s.push_pinned(st->stuck().seat(), st->guest); });
  run.after([st] { check(st->guest.runs() == 1, "the actor was lost or ran twice"); });
}

}  // namespace

TEST_CASE("a request for a stuck worker is run once, by its adopter or by itself, however they fall asleep") {
  for (const auto how : {worker::idles::asleep, worker::idles::resting})
    for (const auto c : {computes::until_all_is_done, computes::for_some_time})
      must_hold(bound(2), [=](explorer::run& r) { request(r, c, how); });
}

TEST_CASE("a bell for a worker that goes on reaches it, though its adopter may hear it first") {
  must_hold(bound(2), mail);
}

TEST_CASE("planted: an adopter that falls asleep without a look at the requests of those it has adopted") {
  const simulated::planted p(bug::adoption_skip_look);
  for (const auto how : {worker::idles::asleep, worker::idles::resting})
    must_fail("deadlock", 2, [=](explorer::run& r) { request(r, computes::until_all_is_done, how); });
}

TEST_CASE("planted: an adopter that keeps to itself a bell that it has heard") {
  const simulated::planted p(bug::adoption_skip_bell);
  must_fail("deadlock", 2, mail);
}
