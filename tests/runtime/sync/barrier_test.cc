#include "weir/runtime/sync/barrier.h"

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

TEST_CASE("nobody is in the next generation before all have arrived in this one") {
  const int n = rounds(5000);
  weir::barrier b(4);
  std::atomic<long> arrived{0};
  const auto take_part = [&] {
    for (long i = 1; i <= n; ++i) {
      ++arrived;
      EXPECT(b.arrive_and_wait());
      const long now = arrived;
      EXPECT(now >= 4 * i && now < 4 * (i + 1));
    }
  };
  std::thread thread(take_part);
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 3; ++a) s.spawn("participant", take_part);
    });
  });
  thread.join();
  CHECK(b.generation() == static_cast<std::uint64_t>(n));
}

TEST_CASE("a barrier of one lets it through at once; one of none is misuse") {
  weir::barrier alone(1);
  CHECK(alone.arrive_and_wait(0ms));
  CHECK(alone.generation() == 1);
  CHECK_THROWS_WITH(weir::barrier(0), Catch::StartsWith("barrier: it must have 1 participant or more, got 0 "
                                                        "(barrier_test.cc:"));
}

TEST_CASE("who leaves by its deadline or a cancel has not arrived, and may come again") {
  in_actor([] {
    weir::barrier b(2);
    CHECK(!b.arrive_and_wait(1ms));
    CHECK(!b.arrive_and_wait(0ms));
    auto victim = weir::spawn("victim", [&] { b.arrive_and_wait(); });
    eventually([&] { return waits("victim", "arrive"); });
    victim.cancel();
    CHECK_THROWS_AS(victim.join(), weir::actor_cancelled);
    auto early = weir::spawn("early", [&] { b.arrive_and_wait(); });
    early.cancel();
    CHECK_THROWS_AS(early.join(), weir::actor_cancelled);
    CHECK(b.generation() == 0);
    auto partner = weir::spawn("partner", [&] { EXPECT(b.arrive_and_wait()); });
    CHECK(b.arrive_and_wait());
    partner.join();
    CHECK(b.generation() == 1);
  });
}

TEST_CASE("while the caller unwinds in a cancelled scope, it does not wait at a barrier") {
  in_actor([] {
    weir::barrier b(2);
    std::atomic<bool> seen{false};
    struct cleaner {
      weir::barrier& b;
      std::atomic<bool>& seen;
      ~cleaner() {
        EXPECT(!b.arrive_and_wait());
        seen = true;
      }
    };
    auto victim = weir::spawn("victim", [&] {
      const cleaner c{b, seen};
      weir::this_actor::sleep(1h);
    });
    victim.cancel();
    victim.wait();
    CHECK(seen);
  });
}

TEST_CASE("timeouts against the last arrival: a generation is complete for all of its arrivals or for none") {
  in_actor([] {
    weir::barrier b(2);
    const int n = rounds(10'000);
    std::atomic<long> complete{0};
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 2; ++a)
        s.spawn("timed", [&] {
          for (int i = 0; i < n; ++i) complete += b.arrive_and_wait(std::chrono::microseconds(i % 4));
        });
    });
    CHECK(complete == 2L * static_cast<long>(b.generation()));
  });
}

TEST_CASE("cancels against the last arrival: who is let through counts, who is cancelled does not") {
  in_actor([] {
    weir::barrier b(2);
    std::atomic<long> complete{0};
    for (int i = 0; i < rounds(3000); ++i) {
      auto victim = weir::spawn("victim", [&] {
        for (;;) complete += b.arrive_and_wait();
      });
      for (int k = 0; k < i % 4; ++k) complete += b.arrive_and_wait(2us);
      victim.cancel();
      victim.wait();
    }
    CHECK(complete == 2L * static_cast<long>(b.generation()));
  });
}
