#include "weir/runtime/join.h"

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::in_actor;
using testing::rounds;

namespace {
void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }
}  // namespace

TEST_CASE("join_all gives the results in order, when all have ended") {
  in_actor([] {
    std::vector<weir::actor<int>> actors;
    for (int i = 0; i < 20; ++i)
      actors.push_back(weir::spawn([i] {
        weir::this_actor::sleep(std::chrono::microseconds(20 - i));
        return i;
      }));
    const auto results = weir::join_all(actors);
    REQUIRE(results.size() == 20);
    for (int i = 0; i < 20; ++i) CHECK(results[static_cast<std::size_t>(i)] == i);

    std::atomic<int> ended{0};
    std::array<weir::actor_ref<void>, 2> refs;
    weir::with_scope([&](weir::scope& s) {
      for (auto& r : refs) r = s.spawn([&] { ++ended; });
      weir::join_all(refs);
      CHECK(ended == 2);
    });
    weir::join_all(std::vector<weir::actor<void>>());
  });
}

TEST_CASE("join_all rethrows the first failure of the range, after all have ended") {
  in_actor([] {
    std::atomic<bool> ended{false};
    std::vector<weir::actor<void>> actors;
    actors.push_back(weir::spawn([&] {
      weir::this_actor::sleep(2ms);
      ended = true;
      throw std::runtime_error("first of the range");
    }));
    actors.push_back(weir::spawn([] { throw std::runtime_error("first in time"); }));
    CHECK_THROWS_WITH(weir::join_all(actors), "first of the range");
    CHECK(ended);
    CHECK_THROWS_WITH(actors[1].join(), "first in time");
  });
}

TEST_CASE("join_all throws timed_out when its limit comes first, and takes nothing") {
  in_actor([] {
    std::vector<weir::actor<int>> actors;
    actors.push_back(weir::spawn([] { return 1; }));
    actors.push_back(weir::spawn([] {
      sleep_for_ever();
      return 2;
    }));
    actors[0].wait();  // so that one is missing, and not two
    CHECK_THROWS_WITH(weir::join_all(actors, 2ms), Catch::Contains("join_all at join_test.cc:") &&
                                                       Catch::Contains("1 actor had not ended when the time was up"));
    CHECK(actors[0].join() == 1);
    actors[1].cancel();
    CHECK_THROWS_AS(actors[1].join(), weir::actor_cancelled);
  });
}

TEST_CASE("join_any tells which actor has ended first and leaves its result to join") {
  in_actor([] {
    std::vector<weir::actor<int>> actors;
    for (int i = 0; i < 5; ++i)
      actors.push_back(weir::spawn([i] {
        if (i != 3) sleep_for_ever();
        return i;
      }));
    CHECK(weir::join_any(actors) == 3);
    CHECK(weir::join_any(actors) == 3);  // it has still ended
    CHECK(actors[3].join() == 3);
  });
}

TEST_CASE("join_any is empty when its limit comes first or the range is empty, and a cancel ends its wait") {
  in_actor([] {
    std::vector<weir::actor<void>> actors;
    CHECK_FALSE(weir::join_any(actors).has_value());
    actors.push_back(weir::spawn(sleep_for_ever));
    CHECK_FALSE(weir::join_any(actors, 1ms).has_value());
    CHECK_FALSE(weir::join_any(actors, 0s).has_value());
    CHECK_FALSE(weir::within(1ms, [&] { weir::join_any(actors); }));
    actors.push_back(weir::spawn([] {}));
    actors[1].wait();
    CHECK(weir::join_any(actors, 0s) == 1);  // the try comes before the look at the clock
    CHECK(weir::join_any(actors) == 1);
  });
}

TEST_CASE("join_any against ends and timeouts: whoever it names has ended, and it leaves nothing behind") {
  in_actor([] {
    for (int i = 0; i < rounds(3000); ++i) {
      std::vector<weir::actor<int>> actors;
      for (int k = 0; k < 3; ++k)
        actors.push_back(weir::spawn([i, k] {
          weir::this_actor::sleep(std::chrono::microseconds((i + 2 * k) % 7));
          return k;
        }));
      const auto first = weir::join_any(actors, std::chrono::microseconds(i % 10));
      if (first) {
        REQUIRE(actors[*first].wait(0s));
        REQUIRE(actors[*first].join() == static_cast<int>(*first));
      }
      actors.clear();
    }
  });
}

TEST_CASE("several actors and a thread may wait for the same actors at once") {
  in_actor([] {
    for (int i = 0; i < rounds(300); ++i) {
      weir::with_scope([](weir::scope& s) {
        std::vector<weir::actor_ref<void>> refs;
        for (int k = 0; k < 4; ++k)
          refs.push_back(s.spawn([k] { weir::this_actor::sleep(std::chrono::microseconds(10 * k)); }));
        std::thread outside([refs]() mutable { weir::join_all(refs); });
        for (int k = 0; k < 3; ++k)
          s.spawn([refs]() mutable {
            EXPECT(weir::join_any(refs).has_value());
            weir::join_all(refs);
          });
        weir::join_all(refs);
        outside.join();
      });
    }
  });
}
