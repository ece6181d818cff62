#include "weir/runtime/sync/wait_group.h"

#include <signal.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using testing::waits;

TEST_CASE("a wait group is waited for again and again, by actors and a thread, and each round is whole") {
  in_actor([] {
    weir::wait_group group;
    std::atomic<int> done{0};
    for (int i = 1; i <= rounds(2000); ++i) {
      group.add(3);
      std::vector<weir::actor<void>> workers;
      for (int w = 0; w < 3; ++w)
        workers.push_back(weir::spawn("worker", [&] {
          ++done;
          group.done();
        }));
      auto other = weir::spawn("other", [&, i] {
        group.wait();
        EXPECT(done >= 3 * i);
      });
      group.wait();
      CHECK(done == 3 * i);
      other.join();
      for (auto& w : workers) w.join();
    }
    group.add();
    std::thread finisher([&] { group.done(); });
    std::thread waiter([&] { group.wait(); });
    waiter.join();
    finisher.join();
    CHECK(group.count() == 0);
  });
}

TEST_CASE("a wait is over once the count was 0, whatever is added before the waiter runs") {
  in_actor([] {
    weir::wait_group group;
    group.add();
    auto waiter = weir::spawn("waiter", [&] { group.wait(); });
    eventually([&] { return waits("waiter", "wait"); });
    group.done();
    group.add();
    waiter.join();
    CHECK(group.count() == 1);
    group.done();
  });
}

TEST_CASE("a wait for a group ends at its deadline or with a cancel, and while the caller unwinds it waits on") {
  in_actor([] {
    weir::wait_group group;
    CHECK(group.wait(0ms));
    group.add();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(!group.wait(5ms));
    CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
    auto victim = weir::spawn("victim", [&] { group.wait(); });
    eventually([&] { return waits("victim", "wait"); });
    victim.cancel();
    CHECK_THROWS_AS(victim.join(), weir::actor_cancelled);

    struct cleaner {
      weir::wait_group& group;
      ~cleaner() {
        group.wait();
        EXPECT(group.count() == 0);
      }
    };
    auto unwinding = weir::spawn("unwinding", [&] {
      const cleaner c{group};
      weir::this_actor::sleep(1h);
    });
    eventually([&] { return waits("unwinding", "sleep"); });
    unwinding.cancel();
    eventually([&] { return waits("unwinding", "wait"); });
    group.done();
    unwinding.wait();
  });
}

TEST_CASE("a waiter may destroy the group as soon as its wait is over") {
  in_actor([] {
    for (int i = 0; i < rounds(3000); ++i) {
      auto group = std::make_unique<weir::wait_group>();
      group->add(2);
      auto a = weir::spawn("a", [&] { group->done(); });
      auto b = weir::spawn("b", [&] { group->done(); });
      if (i % 2) weir::this_actor::yield();
      group->wait();
      group.reset();
      a.join();
      b.join();
    }
  });
}

TEST_CASE("nothing negative can be added") {
  weir::wait_group group;
  CHECK_THROWS_WITH(group.add(-1), Catch::StartsWith("wait_group::add: 0 or more can be added, got -1 for wait_group "
                                                     "wait_group_test.cc:"));
}

TEST_CASE("child: done too often", "[.child]") {
  weir::wait_group group;
  group.add();
  group.done();
  group.done();
}

TEST_CASE("done() below zero stops the process with a report") {
  const auto end = testing::run_child("child: done too often");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("wait_group::done: it can be called as often as something was added, got one "
                                         "call more for wait_group wait_group_test.cc:") &&
                             Catch::Contains("add() before what it counts is started."));
}
