#include "weir/runtime/actor.h"

#include <signal.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

TEST_CASE("join returns what the actor returned, move-only and not default-constructible values too") {
  in_actor([] {
    struct odd {
      explicit odd(int v) : value(std::make_unique<int>(v)) {}
      std::unique_ptr<int> value;
    };
    auto a = weir::spawn("odd", [] { return odd(3); });
    CHECK(*a.join().value == 3);
    auto nothing = weir::spawn([] {});
    nothing.join();
    nothing.join();  // of a void actor, any number may join
  });
}

TEST_CASE("join rethrows what ended the actor, as often as it is asked") {
  in_actor([] {
    auto a = weir::spawn("fails", []() -> int { throw std::runtime_error("no luck"); });
    CHECK_THROWS_WITH(a.join(), "no luck");
    CHECK_THROWS_WITH(a.join(), "no luck");
  });
}

TEST_CASE("a value can be taken once; a second join is misuse") {
  in_actor([] {
    auto a = weir::spawn("one", [] { return 1; });
    CHECK(a.join() == 1);
    CHECK_THROWS_WITH(a.join(), Catch::Contains("the value of an actor can be taken once"));
  });
}

TEST_CASE("joining a cancelled actor throws actor_cancelled, a std::exception, never cancelled") {
  in_actor([] {
    auto a = weir::spawn("sleeper", [] { weir::this_actor::sleep(weir::deadline::never()); });
    a.cancel();
    CHECK_THROWS_WITH(a.join(), Catch::Contains("actor \"sleeper\"") && Catch::Contains("was cancelled"));
  });
}

TEST_CASE("an actor cancelled before its first run still begins and is stopped at its first park") {
  in_actor(
      [] {
        bool began = false, passed = false;
        auto a = weir::spawn("late", [&] {
          began = true;
          weir::this_actor::yield();  // counts as a park
          passed = true;
        });
        a.cancel();
        a.wait();
        CHECK(began);
        CHECK_FALSE(passed);
      },
      1);
}

TEST_CASE("the destructor of an owning handle cancels and joins") {
  in_actor([] {
    std::atomic<bool> ended{false};
    {
      auto a = weir::spawn("sleeper", [&] {
        struct mark {
          std::atomic<bool>& flag;
          ~mark() { flag = true; }
        } m{ended};
        weir::this_actor::sleep(weir::deadline::never());
      });
    }
    CHECK(ended);
  });
}

TEST_CASE("the closure is destroyed on the actor's own stack before its exit is published") {
  in_actor([] {
    std::atomic<std::uint64_t> destroyed_by{0};
    struct witness {
      std::atomic<std::uint64_t>* by;
      explicit witness(std::atomic<std::uint64_t>* b) : by(b) {}
      witness(witness&& o) noexcept : by(std::exchange(o.by, nullptr)) {}
      ~witness() {
        if (by) *by = weir::this_actor::id();
      }
    };
    auto a = weir::spawn("holder", [w = witness(&destroyed_by)] { weir::this_actor::yield(); });
    a.wait();
    CHECK(destroyed_by == a.id());
  });
}

TEST_CASE("wait tells a timeout from an end") {
  in_actor([] {
    auto a = weir::spawn("sleeper", [] { weir::this_actor::sleep(weir::deadline::never()); });
    CHECK_FALSE(a.wait(2ms));
    a.cancel();
    CHECK(a.wait(1h));
  });
}

TEST_CASE("cancel is level-triggered: every park throws until the actor ends") {
  in_actor([] {
    int met = 0;
    auto a = weir::spawn("stubborn", [&] {
      for (int i = 0; i < 3; ++i) {
        try {
          weir::this_actor::sleep(weir::deadline::never());
        } catch (const weir::cancelled&) {
          ++met;
        }
      }
      weir::this_actor::check_cancel();
    });
    eventually([&] { return a.id() != 0; });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(met == 3);
  });
}

TEST_CASE("while an actor unwinds from a cancel, parks do not throw: send is false, recv empty, sleep returns") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::atomic<int> seen{0};
    struct cleanup {
      weir::sender<int> tx;
      weir::receiver<int> rx;
      std::atomic<int>& seen;
      ~cleanup() {
        seen += !tx.send(1);
        seen += !rx.recv().has_value();
        weir::this_actor::sleep(1h);
        weir::this_actor::yield();
        ++seen;
      }
    };
    auto a = weir::spawn("cleaner", [&, tx = tx, rx = rx] {
      cleanup c{tx, rx, seen};
      weir::this_actor::sleep(weir::deadline::never());
    });
    a.cancel();
    a.wait();
    CHECK(seen == 3);
  });
}

TEST_CASE("spawn on a plain thread is misuse; runtime::spawn works from anywhere") {
  CHECK_THROWS_WITH((void)weir::spawn([] {}),
                    Catch::Contains("weir::spawn needs a running actor") && Catch::Contains("actor_test.cc:"));
  weir::runtime r({.workers = testing::workers()});
  auto a = r.spawn("from outside", [] { return weir::this_actor::id(); });
  CHECK(a.join() >= 1);
}

TEST_CASE("a handle that was moved from is refused, with place and remedy") {
  in_actor([] {
    auto a = weir::spawn([] {});
    auto b = std::move(a);
    CHECK_THROWS_WITH(a.join(),
                      Catch::Contains("join: the handle must refer to an actor") && Catch::Contains("actor_test.cc:"));
    b.join();
  });
}

TEST_CASE("an actor cannot join itself") {
  in_actor([] {
    auto [tx, rx] = weir::channel<weir::actor_ref<void>>(1);
    weir::with_scope([&, rx = rx](weir::scope& s) {
      auto self = s.spawn("self", [rx] {
        auto me = rx.recv();
        try {
          me->join();
          EXPECT(false);
        } catch (const weir::misuse&) {
        }
      });
      tx.send(self);
    });
  });
}

TEST_CASE("spawn options out of range are refused") {
  in_actor([] {
    CHECK_THROWS_WITH((void)weir::spawn([] {}, {.stack = 100}),
                      Catch::Contains("spawn_options.stack must be 16 KiB to 64 MiB, got 100 bytes"));
    CHECK_THROWS_AS((void)weir::spawn([] {}, {.stack = std::size_t{1} << 40}), weir::misuse);
    CHECK_THROWS_WITH((void)weir::spawn([] {}, {.pinned = 77}), Catch::Contains("spawn_options.pinned must be 0.."));
    std::array<char, 9000> large{};
    CHECK_THROWS_WITH((void)weir::spawn([large] { (void)large; }, {.stack = 16 << 10}),
                      Catch::Contains("captures must fit into a quarter of the stack"));
  });
}

TEST_CASE("a pinned actor runs on its worker only") {
  in_actor(
      [] {
        for (int w = 0; w < 2; ++w) {
          auto a = weir::spawn("pinned",
                               [] {
                                 const auto here = testing::thread_now();
                                 for (int i = 0; i < 200; ++i) {
                                   weir::this_actor::yield();
                                   if (testing::thread_now() != here) return false;
                                 }
                                 return true;
                               },
                               {.pinned = w});
          CHECK(a.join());
        }
      },
      2);
}

TEST_CASE("name and id tell who runs") {
  in_actor([] {
    auto a = weir::spawn("a name longer than the thirty-nine characters that are kept",
                         [] { return std::string(weir::this_actor::name()); });
    CHECK(a.name() == "a name longer than the thirty-nine char");
    CHECK(a.join() == "a name longer than the thirty-nine char");
    CHECK(weir::this_actor::name() == "main");
  });
  CHECK(weir::this_actor::id() == 0);
}

TEST_CASE("sleep is never early, and maybe_yield lets others run") {
  in_actor(
      [] {
        const auto begin = std::chrono::steady_clock::now();
        weir::this_actor::sleep(3ms);
        CHECK(std::chrono::steady_clock::now() - begin >= 3ms);
        bool other = false;
        auto a = weir::spawn([&] { other = true; });
        while (!other) weir::this_actor::maybe_yield();
        a.join();
      },
      1);
}

TEST_CASE("a failure of a detached actor reaches the runtime's handler, whether it fails before or after detach") {
  std::atomic<int> handled{0};
  std::string text;
  {
    weir::runtime r({.workers = testing::workers(), .on_unhandled = [&](std::string_view, std::exception_ptr e) {
                       try {
                         std::rethrow_exception(e);
                       } catch (const std::exception& x) {
                         text = x.what();
                       }
                       ++handled;
                     }});
    r.run([&] {
      auto early = weir::spawn("early", [] { throw std::runtime_error("lost"); });
      early.wait();
      early.detach();
      auto late = weir::spawn("late", [] {
        weir::this_actor::sleep(1ms);
        throw std::runtime_error("lost");
      });
      late.detach();
      eventually([&] { return handled == 2; });
    });
  }
  CHECK(handled == 2);
  CHECK(text == "lost");
}

TEST_CASE("child: a detached actor fails", "[.child]") {
  weir::run([] {
    weir::spawn("orphan", [] { throw std::runtime_error("nobody listens"); }).detach();
    weir::this_actor::sleep(1h);
  });
}

TEST_CASE("by default a failure that nobody joins is named and terminates") {
  const auto end = testing::run_child("child: a detached actor fails");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("actor \"orphan\" (#2, spawned at actor_test.cc:") &&
                             Catch::Contains("nobody joins it: nobody listens."));
}

TEST_CASE("child: cancelled in a noexcept function", "[.child]") {
  weir::run([] {
    auto a = weir::spawn("trapped", []() noexcept { weir::this_actor::sleep(weir::deadline::never()); });
    weir::this_actor::sleep(5ms);
    a.cancel();
    a.wait();
  });
}

TEST_CASE("a cancel that meets a noexcept function dies with actor and rule") {
  const auto end = testing::run_child("child: cancelled in a noexcept function");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("terminate in actor \"trapped\"") &&
                             Catch::Contains("a destructor that parks must do so in weir::shielded()"));
}

TEST_CASE("child: a swallowed cancel", "[.child]") {
  weir::run([] {
    auto a = weir::spawn("deaf", [] {
      for (int i = 0; i < 1001; ++i) {
        try {
          weir::this_actor::sleep(1h);
        } catch (...) {
        }
      }
    });
    weir::this_actor::yield();
    a.cancel();
    a.wait();
  });
}

TEST_CASE("a cancel swallowed a thousand times is said once, with the actor and where it is") {
  const auto end = testing::run_child("child: a swallowed cancel");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("actor \"deaf\" (#2, spawned at actor_test.cc:") &&
                             Catch::Contains("was cancelled 1000 times and goes on, now in sleep"));
}

TEST_CASE("a result that nobody keeps is destroyed by its own actor, where its destructor may park") {
  in_actor([] {
    std::atomic<int> ended{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 50; ++i)
        s.spawn([&] {
          return weir::spawn("child", [&] {
            struct mark {
              std::atomic<int>& n;
              ~mark() { ++n; }
            } m{ended};
            weir::this_actor::sleep(weir::deadline::never());
          });  // an owning handle: its end cancels and joins
        });
    });
    CHECK(ended == 50);
  });
}

TEST_CASE("a handle to a failed actor may be dropped after its runtime; the failure still reaches the handler") {
  std::atomic<int> handled{0};
  {
    weir::actor<void> kept;
    weir::actor<void> detached;
    {
      weir::runtime r({.workers = 1, .on_unhandled = [&](std::string_view, std::exception_ptr) { ++handled; }});
      kept = r.spawn("kept", [] { throw std::runtime_error("late"); });
      detached = r.spawn("detached", [] { throw std::runtime_error("late"); });
      kept.wait();
      detached.wait();
    }
    detached.detach();
    CHECK(handled == 1);
  }
  CHECK(handled == 2);
}

TEST_CASE("what a join has thrown is handled: letting go afterwards reports nothing") {
  std::atomic<int> handled{0};
  weir::runtime r({.workers = 1, .on_unhandled = [&](std::string_view, std::exception_ptr) { ++handled; }});
  r.run([] {
    auto a = weir::spawn("fails", [] { throw std::runtime_error("once"); });
    CHECK_THROWS_AS(a.join(), std::runtime_error);
    a.detach();
    {
      auto b = weir::spawn("fails", [] { throw std::runtime_error("once"); });
      CHECK_THROWS_AS(b.join(), std::runtime_error);
    }
  });
  CHECK(handled == 0);
}

TEST_CASE("pinned actors that yield for ever do not starve the others of their worker") {
  in_actor(
      [] {
        std::atomic<bool> stop{false};
        const auto spin = [&] {
          while (!stop) weir::this_actor::yield();
        };
        auto first = weir::spawn("pinned", spin, {.pinned = 0});
        auto second = weir::spawn("pinned too", spin, {.pinned = 0});
        weir::spawn("free", [&] { stop = true; }).join();
        first.join();
        second.join();
      },
      1);
}

TEST_CASE("child: a thousand cancelled scopes", "[.child]") {
  weir::run([] {
    for (int i = 0; i < 1500; ++i)
      weir::with_scope([](weir::scope& s) {
        s.cancel();
        weir::this_actor::yield();
      });
  });
}

TEST_CASE("an actor that absorbs a thousand cancels as it should is not accused of swallowing them") {
  const auto end = testing::run_child("child: a thousand cancelled scopes");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, !Catch::Contains("swallows"));
}
