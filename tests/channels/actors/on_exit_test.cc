#include "weir/channels/actors/on_exit.h"

#include <stdexcept>
#include <string>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

TEST_CASE("on_exit is ready when the actor has ended, and its notice says who and how") {
  in_actor([] {
    auto good = weir::spawn("good", [] { return 7; });
    auto bad = weir::spawn("bad", [] { throw std::runtime_error("no such table"); });
    auto ill_fated = weir::spawn("ill-fated", [] { weir::this_actor::sleep({}); });
    auto see = [](auto& a) {
      weir::exit_notice seen;
      weir::select(weir::on_exit(a, [&](weir::exit_notice n) { seen = std::move(n); }));
      return seen;
    };
    const weir::exit_notice first = see(good);
    CHECK(first.how == weir::exit_how::returned);
    CHECK(first.name == "good");
    CHECK(first.id == good.id());
    CHECK(first.failure == nullptr);
    CHECK(good.join() == 7);

    const weir::exit_notice second = see(bad);
    CHECK(second.how == weir::exit_how::failed);
    CHECK(to_string(second) == "actor \"bad\" (#" + std::to_string(bad.id()) + ") failed: no such table");
    CHECK_THROWS_AS(std::rethrow_exception(second.failure), std::runtime_error);
    CHECK_THROWS_AS(bad.join(), std::runtime_error);

    ill_fated.cancel();
    CHECK(see(ill_fated).how == weir::exit_how::cancelled);
  });
}

TEST_CASE("on_exit works for actor_ref and for bodies that take nothing, and stays ready for ever") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      const weir::actor_ref<void> child = s.spawn("child", [] {});
      for (int i = 0; i < 3; ++i) CHECK(weir::select(weir::on_exit(child, [] { return 5; })) == 5);
    });
  });
}

TEST_CASE("on_exit comes after the closure is destroyed and the result is there") {
  in_actor([] {
    for (int i = 0; i < rounds(200); ++i) {
      auto token = std::make_shared<int>(0);
      auto a = weir::spawn([token] { return 1; });
      weir::select(weir::on_exit(a, [] {}));
      REQUIRE(token.use_count() == 1);
      REQUIRE(a.join() == 1);
    }
  });
}

TEST_CASE("on_exit beside channels and timers: whichever comes first, and losers leave nothing behind") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    auto endless = weir::spawn("endless", [] { weir::this_actor::sleep({}); });
    auto look = [&, &in = rx](weir::deadline limit) {
      return weir::select(weir::on_exit(endless, [] { return 1; }), weir::on_recv(in, [](auto) { return 2; }),
                          weir::after(limit, [] { return 3; }));
    };
    for (int i = 0; i < 100; ++i) REQUIRE(look(10us) == 3);
    auto sender = weir::spawn("sender", [&out = tx] { out.send(1); });
    CHECK(look(1h) == 2);
    sender.join();
    auto killer = weir::spawn("killer", [&] {
      eventually([] { return testing::waits("main", "select"); });
      endless.cancel();
    });
    CHECK(look(1h) == 1);
    killer.join();
    CHECK(weir::select(weir::on_exit(endless, [] { return 1; }).when(false), weir::otherwise([] { return 4; })) == 4);
  });
}

TEST_CASE("the dump says whose exit a select waits for") {
  in_actor([] {
    auto endless = weir::spawn("endless", [] { weir::this_actor::sleep({}); });
    auto watcher = weir::spawn("watcher", [&] { weir::select(weir::on_exit(endless, [] {})); });
    eventually([] { return testing::waits("watcher", "select"); });
    CHECK(testing::row(testing::dump(), "watcher").find("select exit \"endless\" (#" + std::to_string(endless.id())) !=
          std::string::npos);
    endless.cancel();
    watcher.join();
  });
}

TEST_CASE("on_exit of oneself and of an empty handle is misuse") {
  in_actor([] {
    auto [tx, rx] = weir::channel<weir::actor_ref<void>>(1);
    weir::with_scope([&, &out = tx, &in = rx](weir::scope& s) {
      out.send(s.spawn("self", [&in] {
        const weir::actor_ref<void> me = *in.recv();
        try {
          weir::select(weir::on_exit(me, [] {}));
          EXPECT(false);
        } catch (const weir::misuse& e) {
          EXPECT(std::string(e.what()).find("an actor cannot wait for its own end") != std::string::npos);
        }
      }));
    });
    CHECK_THROWS_AS(weir::on_exit(weir::actor_ref<void>(), [] {}), weir::misuse);
  });
}

TEST_CASE("a cancel ends a select that waits for an exit; one that unwinds waits for the actor") {
  in_actor([] {
    auto [go, gate] = weir::channel<int>(0);
    std::atomic<bool> ended{false}, unwinds{false};
    auto slow = weir::spawn("slow", [&, gate = gate] {
      gate.recv();
      ended = true;
    });
    struct waits_while_unwinding {
      weir::actor<void>& a;
      std::atomic<bool>&ended, &unwinds;
      ~waits_while_unwinding() {
        unwinds = true;
        weir::select(weir::on_exit(a, [] {}));
        EXPECT(ended);
      }
    };
    auto watcher = weir::spawn("watcher", [&] {
      const waits_while_unwinding guard{slow, ended, unwinds};
      weir::select(weir::on_exit(slow, [] {}));
      EXPECT(false);
    });
    eventually([] { return testing::waits("watcher", "select"); });
    watcher.cancel();
    eventually([&] { return unwinds && testing::waits("watcher", "select"); });
    CHECK_FALSE(ended);
    go.send(1);
    CHECK_THROWS_AS(watcher.join(), weir::actor_cancelled);
    slow.join();
  });
}

TEST_CASE("exits that race with a select that registers: none is missed") {
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto a = weir::spawn([] {});
      auto b = weir::spawn([i] {
        if (i % 2) weir::this_actor::yield();
      });
      bool a_ended = false, b_ended = false;
      while (!a_ended || !b_ended)
        weir::select(weir::on_exit(a, [&] { a_ended = true; }).when(!a_ended),
                     weir::on_exit(b, [&] { b_ended = true; }).when(!b_ended));
    }
  });
}
