#include "weir/runtime/as_completed.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

namespace {
void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }
}  // namespace

TEST_CASE("as_completed yields actors as they end, whatever their order in the range") {
  in_actor([] {
    constexpr int count = 10;
    std::vector<weir::sender<int>> go;
    std::vector<weir::actor<int>> actors;
    for (int i = 0; i < count; ++i) {
      auto [tx, rx] = weir::channel<int>(1);
      go.push_back(tx);
      actors.push_back(weir::spawn([rx = rx] { return rx.recv().value_or(-1); }));
    }
    int expected = count - 1;
    go.back().send(expected);
    for (auto done : weir::as_completed(actors)) {
      CHECK(static_cast<int>(done.index) == expected);
      CHECK(&done.actor == &actors[done.index]);
      CHECK(done.join() == expected);
      if (--expected >= 0) go[static_cast<std::size_t>(expected)].send(expected);
    }
    CHECK(expected == -1);
  });
}

TEST_CASE("as_completed runs functions, all at once, and yields their actors as they end") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    const std::vector<std::function<int()>> functions{
        [rx = rx] { return rx.recv().value_or(-1); },
        [tx = tx] { return tx.send(3) ? 4 : 0; },
    };
    int sum = 0, steps = 0;
    for (auto done : weir::as_completed(functions)) sum += done.join(), ++steps;
    CHECK(sum == 7);
    CHECK(steps == 2);
    // Temporaries and functions that can only be moved.
    const auto move_only = [](int i) { return [p = std::make_unique<int>(i)] { return *p; }; };
    std::vector<decltype(move_only(1))> moved;
    moved.push_back(move_only(1));
    moved.push_back(move_only(2));
    std::set<int> seen;
    for (auto [index, actor] : weir::as_completed(std::move(moved)))
      CHECK(seen.insert(actor.join() + 10 * static_cast<int>(index)).second);
    CHECK(seen == std::set<int>{1, 12});
  });
}

TEST_CASE("as_completed of an empty range is empty, and a temporary range of actors is kept") {
  in_actor([] {
    std::vector<weir::actor<void>> none;
    for (auto done : weir::as_completed(none)) FAIL_CHECK("there is none, not even " << done.index);
    const auto make = [] {
      std::vector<weir::actor<int>> made;
      for (int i = 0; i < 3; ++i) made.push_back(weir::spawn([i] { return i; }));
      return made;
    };
    int sum = 0;
    for (auto done : weir::as_completed(make())) sum += done.join();
    CHECK(sum == 3);
  });
}

TEST_CASE("a failure comes out of join, and those that the loop did not come to are cancelled and waited for") {
  in_actor([] {
    std::atomic<int> ended{0};
    auto program = [&] {
      const std::vector<std::function<void()>> functions{
          [] { throw std::runtime_error("of one"); },
          [&] {
            struct mark {
              std::atomic<int>& n;
              ~mark() { ++n; }
            } m{ended};
            sleep_for_ever();
          },
      };
      for (auto done : weir::as_completed(functions)) done.join();
    };
    CHECK_THROWS_WITH(program(), "of one");
    CHECK(ended == 1);
  });
}

TEST_CASE("the caller's actors stay the caller's when the loop ends early") {
  in_actor([] {
    std::atomic<bool> go{false};
    std::vector<weir::actor<int>> actors;
    actors.push_back(weir::spawn([] { return 1; }));
    actors.push_back(weir::spawn([&] {
      eventually([&] { return go.load(); });
      return 2;
    }));
    for (auto done : weir::as_completed(actors)) {
      CHECK(done.index == 0);
      break;
    }
    go = true;
    CHECK(actors[1].join() == 2);
    CHECK(actors[0].join() == 1);
  });
}

TEST_CASE("as_completed throws timed_out when its limit comes first, and a cancel ends its wait") {
  in_actor([] {
    std::vector<weir::actor<void>> actors;
    actors.push_back(weir::spawn(sleep_for_ever));
    actors.push_back(weir::spawn([] {}));
    actors[1].wait();  // so that its end comes before any limit
    int steps = 0;
    auto program = [&] {
      for (auto done : weir::as_completed(actors, 2ms)) done.join(), ++steps;
    };
    CHECK_THROWS_WITH(program(), Catch::Contains("as_completed at as_completed_test.cc:") &&
                                     Catch::Contains("1 actor had not ended when the time was up"));
    CHECK(steps == 1);
    CHECK_FALSE(weir::within(1ms, [&] {
      for (auto done : weir::as_completed(actors)) (void)done;
    }));
    CHECK_FALSE(actors[0].wait(0s));
  });
}

TEST_CASE("an actor cannot wait for itself in as_completed") {
  in_actor([] {
    std::vector<weir::actor_ref<void>> refs;
    std::atomic<bool> ready{false};
    weir::with_scope([&](weir::scope& s) {
      refs.push_back(s.spawn("selfish", [&] {
        eventually([&] { return ready.load(); });
        try {
          for (auto done : weir::as_completed(refs)) (void)done;
          EXPECT(!"waited for itself");
        } catch (const weir::misuse& m) {
          EXPECT(std::string(m.what()).find("as_completed: an actor cannot wait for its own end") == 0);
        }
      }));
      ready = true;
    });
  });
}

TEST_CASE("on a plain thread as_completed blocks the thread") {
  weir::runtime r({.workers = testing::workers()});
  std::vector<weir::actor<int>> actors;
  for (int i = 0; i < 5; ++i)
    actors.push_back(r.spawn([i] {
      weir::this_actor::sleep(std::chrono::microseconds(i * 100));
      return i;
    }));
  int sum = 0;
  for (auto done : weir::as_completed(actors)) sum += done.join();
  CHECK(sum == 10);
}

TEST_CASE("loops that stop at random moments against actors that end: each is seen once at most and none is lost") {
  in_actor([] {
    for (int i = 0; i < rounds(2000); ++i) {
      std::vector<weir::actor<int>> actors;
      for (int k = 0; k < 5; ++k)
        actors.push_back(weir::spawn([&, k] {
          weir::this_actor::sleep(std::chrono::microseconds((i + k * 3) % 8));
          return 1 << k;
        }));
      int seen = 0, steps = 0;
      for (auto done : weir::as_completed(actors)) {
        const int bit = done.join();
        REQUIRE((seen & bit) == 0);
        seen |= bit;
        if (++steps > i % 7) break;
      }
      for (int k = 0; k < 5; ++k)
        if ((seen & 1 << k) == 0) seen |= actors[static_cast<std::size_t>(k)].join();
      REQUIRE(seen == 31);
    }
  });
}
