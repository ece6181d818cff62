#include "weir/runtime/parallel_for.h"

#include <atomic>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/offload.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

namespace {

void spin(int turns) {
  for (int i = 0; i < turns; ++i) weir::internal::spin_pause();
}

}  // namespace

TEST_CASE("parallel_for calls f once for each element, whatever the size and the grain") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 3});
    for (const std::size_t size : {0, 1, 2, 7, 100, 1000})
      for (const std::size_t grain : {0, 1, 3, 100, 5000}) {
        std::vector<int> calls(size, 0);
        weir::parallel_for(calls, [](int& n) { ++n; }, {.pool = &pool, .grain = grain});
        REQUIRE(calls == std::vector<int>(size, 1));
      }
    std::atomic<int> sum{0};
    weir::parallel_for(std::views::iota(0, 1000), [&](int i) { sum += i; });
    CHECK(sum == 1000 * 999 / 2);
  });
}

TEST_CASE("several threads of the pool work at once, and none is a worker") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 2});
    std::atomic<int> inside{0};
    const auto here = testing::thread_now();
    weir::parallel_for(std::views::iota(0, 2),
                       [&](int) {
                         EXPECT(testing::thread_now() != here);
                         ++inside;
                         while (inside < 2) std::this_thread::yield();
                       },
                       {.pool = &pool, .grain = 1});
    CHECK(inside == 2);
  });
}

TEST_CASE("a chunk is as many neighbouring elements as the grain says") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 2});
    std::vector<std::thread::id> by(64);
    weir::parallel_for(std::views::iota(0, 64), [&](int i) { by[static_cast<std::size_t>(i)] = testing::thread_now(); },
                       {.pool = &pool, .grain = 16});
    for (std::size_t i = 0; i < 64; ++i) REQUIRE(by[i] == by[i / 16 * 16]);
  });
}

TEST_CASE("the first exception is rethrown, no further chunk begins, and those that run stop at their next element") {
  const int n = testing::rounds(500);
  in_actor([n] {
    weir::cpu_pool pool({.threads = 2});
    for (int i = 0; i < n; ++i) {
      std::atomic<int> calls{0}, failures{0};
      try {
        weir::parallel_for(std::views::iota(0, 1'000'000),
                           [&](int k) {
                             ++calls;
                             if (k % 1000 == i % 1000) throw ++failures;
                           },
                           {.pool = &pool, .grain = 1000});
        FAIL("it did not throw");
      } catch (int) {
      }
      REQUIRE(failures >= 1);
      REQUIRE(failures <= 2);
      REQUIRE(calls <= 2 * 1000);
    }
  });
}

TEST_CASE("on a plain thread the caller works as well, and alone if there is no pool") {
  const auto here = testing::thread_now();
  std::vector<std::thread::id> by(10);
  weir::parallel_for(by, [](std::thread::id& id) { id = testing::thread_now(); });
  CHECK(by == std::vector<std::thread::id>(10, here));

  weir::cpu_pool pool({.threads = 1});
  std::atomic<int> inside{0};
  weir::parallel_for(std::views::iota(0, 2),
                     [&](int) {
                       ++inside;
                       while (inside < 2) std::this_thread::yield();
                     },
                     {.pool = &pool, .grain = 1});
  CHECK(inside == 2);
  CHECK_THROWS_WITH(weir::parallel_for(by, [](auto&) { throw std::runtime_error("x"); }, {.pool = &pool}), "x");
}

TEST_CASE("a job of the same pool may call it, though no other thread is free") {
  weir::cpu_pool pool({.threads = 1});
  in_actor([&] {
    std::atomic<int> calls{0};
    weir::offload(pool, [&] { weir::parallel_for(std::views::iota(0, 100), [&](int) { ++calls; }, {.pool = &pool}); });
    CHECK(calls == 100);
    weir::parallel_for(
        std::views::iota(0, 10),
        [&](int) { weir::parallel_for(std::views::iota(0, 10), [&](int) { ++calls; }, {.pool = &pool}); },
        {.pool = &pool});
    CHECK(calls == 200);
  });
}

TEST_CASE("a cancel begins no further chunk, waits for those that run, and throws; if all was begun, it is done") {
  const int n = testing::rounds(10'000);
  in_actor([n] {
    weir::cpu_pool pool({.threads = 2});
    int whole = 0, cut = 0;
    for (int i = 0; i < n; ++i) {
      std::atomic<int> calls{0}, inside{0};
      bool returned = false;
      auto a = weir::spawn([&] {
        weir::parallel_for(std::views::iota(0, 16),
                           [&](int) {
                             ++inside;
                             spin(10);
                             ++calls;
                             --inside;
                           },
                           {.pool = &pool, .grain = 1});
        returned = true;
        EXPECT(calls == 16);
      });
      weir::this_actor::yield();
      spin(i % 50 * 20);
      a.cancel();
      try {
        a.join();
      } catch (const weir::actor_cancelled&) {
      }
      REQUIRE(inside == 0);
      if (!returned) REQUIRE(calls <= 16);
      returned ? ++whole : ++cut;
    }
    CHECK(whole + cut == n);
  });
}

TEST_CASE("it does not wait for helpers that stand in line behind other jobs") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 2});
    std::atomic<bool> inside{false}, open{false};
    auto other = pool.submit([&] {
      inside = true;
      while (!open) std::this_thread::yield();
    });
    eventually([&] { return inside.load(); });
    std::atomic<int> calls{0};
    weir::parallel_for(std::views::iota(0, 100), [&](int) { ++calls; }, {.pool = &pool, .grain = 1});
    CHECK(calls == 100);
    CHECK(pool.stats().queued == 0);
    open = true;
    other.get();
  });
}
