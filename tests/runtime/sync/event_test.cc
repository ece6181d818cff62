#include "weir/runtime/sync/event.h"

#include <atomic>
#include <memory>
#include <thread>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using testing::waits;

TEST_CASE("set lets everybody go, actors and threads, also if reset follows before they run") {
  in_actor([] {
    weir::event e;
    std::atomic<int> gone{0};
    std::atomic<bool> thread_waits{false};
    std::thread thread([&] {
      thread_waits = true;
      EXPECT(e.wait());
      ++gone;
    });
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 3; ++i) {
        const std::string name = "waiter" + std::to_string(i);
        s.spawn(name, [&] {
          EXPECT(e.wait());
          ++gone;
        });
        eventually([&] { return waits(name, "wait"); });
      }
      CHECK(gone == 0);
      e.set();
      e.reset();
    });
    CHECK(gone >= 3);
    CHECK(!e.is_set());
    e.set();  // the thread may have come too late for the first
    thread.join();
    CHECK(gone == 4);
    CHECK(e.wait());  // a level: whoever comes while it is set does not wait
    CHECK(e.wait(0ms));
    e.reset();
    CHECK(!e.wait(0ms));
    CHECK(weir::event(true).is_set());
  });
}

TEST_CASE("a wait for an event ends at its deadline, not early, or with a cancel") {
  in_actor([] {
    weir::event e;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(!e.wait(5ms));
    CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
    auto victim = weir::spawn("victim", [&] { e.wait(); });
    eventually([&] { return waits("victim", "wait"); });
    victim.cancel();
    CHECK_THROWS_AS(victim.join(), weir::actor_cancelled);
    auto early = weir::spawn("early", [&] { e.wait(); });
    early.cancel();
    CHECK_THROWS_AS(early.join(), weir::actor_cancelled);
    e.set();
    auto lucky = weir::spawn("lucky", [&] { EXPECT(e.wait()); });  // set: no park, so no cancel
    lucky.cancel();
    lucky.join();
  });
}

TEST_CASE("while the caller unwinds in a cancelled scope, a wait for an event returns false") {
  in_actor([] {
    weir::event e;
    std::atomic<bool> seen{false};
    struct cleaner {
      weir::event& e;
      std::atomic<bool>& seen;
      ~cleaner() {
        EXPECT(!e.wait());
        seen = true;
      }
    };
    auto victim = weir::spawn("victim", [&] {
      const cleaner c{e, seen};
      e.wait();
    });
    victim.cancel();
    victim.wait();
    CHECK(seen);
  });
}

TEST_CASE("set against timeout and cancel: every wait ends once, and a waiter that saw it set may destroy it") {
  in_actor([] {
    for (int i = 0; i < rounds(5000); ++i) {
      auto e = std::make_unique<weir::event>();
      auto setter = weir::spawn("setter", [&] { e->set(); });
      auto doomed = weir::spawn("doomed", [&, k = i % 3] {
        if (k == 0) (void)e->wait(1us);
        if (k == 1) e->wait();
      });
      if (i % 2) weir::this_actor::yield();
      doomed.cancel();
      doomed.wait();
      CHECK(e->wait());
      e.reset();
      setter.join();
    }
  });
}

TEST_CASE("an actor that waits for an event that is set, again and again, gives way to others") {
  in_actor(
      [] {
        weir::event always(true);
        std::atomic<bool> ran{false};
        auto other = weir::spawn("other", [&] { ran = true; });
        while (!ran) always.wait();
        other.join();
      },
      1);
}
