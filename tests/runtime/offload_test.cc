#include "weir/runtime/offload.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

namespace {

void spin(int turns) {
  for (int i = 0; i < turns; ++i) weir::internal::spin_pause();
}

weir::internal::runtime_core& core_here() { return weir::internal::current_actor()->runtime(); }

}  // namespace

TEST_CASE("offload returns what the function returned, also what only moves, or throws what it threw") {
  in_actor([] {
    CHECK(weir::offload([] { return 5; }) == 5);
    CHECK(*weir::offload([] { return std::make_unique<int>(6); }) == 6);
    weir::offload([] {});
    CHECK_THROWS_WITH(weir::offload([]() -> int { throw std::runtime_error("disk"); }), "disk");
    CHECK_THROWS_AS(weir::offload([] { throw 7; }), int);
  });
}

TEST_CASE("it borrows the caller's stack: the function itself is called, not a copy") {
  struct counter {
    counter() = default;
    counter(const counter&) = delete;
    int operator()() { return ++calls; }
    int calls = 0;
  };
  in_actor([] {
    counter c;
    CHECK(weir::offload(c) == 1);
    CHECK(weir::offload(c) == 2);
    CHECK(c.calls == 2);
  });
}

TEST_CASE("it runs off the workers, and others go on meanwhile, with one worker") {
  in_actor(
      [] {
        std::atomic<bool> inside{false}, open{false};
        const auto here = testing::thread_now();
        std::thread::id there;
        auto a = weir::spawn("offloads", [&] {
          weir::offload([&] {
            there = testing::thread_now();
            inside = true;
            while (!open) std::this_thread::yield();
          });
        });
        eventually([&] { return inside.load(); });  // we run while it computes
        CHECK(core_here().pending_jobs() == 1);
        open = true;
        a.join();
        CHECK(there != here);
        eventually([&] { return core_here().pending_jobs() == 0; });
      },
      1);
}

TEST_CASE("on a plain thread, also in a job, the function simply runs there") {
  const auto here = testing::thread_now();
  CHECK(weir::offload([] { return testing::thread_now(); }) == here);
  weir::cpu_pool pool({.threads = 1});
  CHECK(weir::offload(pool, [] { return testing::thread_now(); }) == here);
  CHECK_FALSE(weir::offload([](std::stop_token t) { return t.stop_possible(); }));
  in_actor([] {
    weir::offload([] {
      const auto there = testing::thread_now();
      EXPECT(weir::offload([] { return testing::thread_now(); }) == there);
      EXPECT(weir::blocking([] { return testing::thread_now(); }) == there);
    });
  });
}

TEST_CASE("offload on a pool of one's own runs on its threads") {
  weir::cpu_pool pool({.threads = 1});
  in_actor([&] {
    const auto there = pool.submit([] { return testing::thread_now(); }).get();
    CHECK(weir::offload(pool, [] { return testing::thread_now(); }) == there);
    CHECK(weir::offload([] { return testing::thread_now(); }) != there);
    CHECK(core_here().cpu_jobs()->stats().done == 1);
  });
}

TEST_CASE("a cancel before the job began ends the wait and it never runs; one that runs is waited for") {
  weir::runtime r({.workers = testing::workers(), .pool_threads = 1});
  r.run([] {
    std::atomic<bool> inside{false}, open{false}, second_ran{false};
    bool first_finished = false;
    auto first = weir::spawn("first", [&] {
      EXPECT(weir::offload([&] {
               inside = true;
               while (!open) std::this_thread::yield();
               return 3;
             }) == 3);
      first_finished = true;
      weir::this_actor::yield();  // the cancel arrives here
      first_finished = false;
    });
    eventually([&] { return inside.load(); });
    auto second = weir::spawn("second", [&] { weir::offload([&] { second_ran = true; }); });
    eventually([] { return core_here().pending_jobs() == 2; });
    second.cancel();
    CHECK_THROWS_AS(second.join(), weir::actor_cancelled);
    CHECK_FALSE(second_ran);
    first.cancel();
    CHECK_FALSE(first.wait(2ms));
    open = true;
    CHECK_THROWS_AS(first.join(), weir::actor_cancelled);
    CHECK(first_finished);
  });
  testing::check_expectations();
}

TEST_CASE("a cancel trips the stop_token of a function that takes one, and its value still comes") {
  in_actor([] {
    std::atomic<int> inside{0};
    const auto until_stopped = [&](std::stop_token stop) {
      ++inside;
      while (!stop.stop_requested()) std::this_thread::yield();
      return 4;
    };
    int got = 0, got_blocking = 0;
    auto a = weir::spawn("a", [&] { got = weir::offload(until_stopped); });
    auto b = weir::spawn("b", [&] { got_blocking = weir::blocking(until_stopped); });
    eventually([&] { return inside == 2; });
    a.cancel();
    b.cancel();
    a.join();
    b.join();
    CHECK(got == 4);
    CHECK(got_blocking == 4);
  });
}

TEST_CASE("a cancelled scope: the job does not run, and while the actor unwinds offload throws actor_cancelled") {
  in_actor([] {
    struct offloads {
      ~offloads() {
        try {
          weir::offload([&] { *ran = true; });
        } catch (const weir::actor_cancelled&) {
          *refused = true;
        }
        weir::shielded([&] { *in_shield = weir::offload([] { return 1; }); });
      }
      bool *ran, *refused;
      int* in_shield;
    };
    bool ran = false, refused = false;
    int in_shield = 0;
    auto a = weir::spawn([&] {
      const offloads at_end{&ran, &refused, &in_shield};
      weir::this_actor::sleep(weir::deadline::never());
    });
    weir::this_actor::yield();
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK_FALSE(ran);
    CHECK(refused);
    CHECK(in_shield == 1);
  });
}

TEST_CASE("cancels against the start of jobs: each ran and gave its value, or was cancelled and never runs") {
  const int n = testing::rounds(10'000);
  in_actor([n] {
    std::atomic<int> runs{0};
    int values = 0, cancelled = 0;
    for (int i = 0; i < n; ++i) {
      bool has_value = false;
      auto a = weir::spawn([&] {
        weir::offload([&] { ++runs; });
        has_value = true;
      });
      weir::this_actor::yield();
      spin(i % 60 * 20);
      a.cancel();
      try {
        a.join();
      } catch (const weir::actor_cancelled&) {
      }
      has_value ? ++values : ++cancelled;
      REQUIRE(runs == values);
    }
    CHECK(values + cancelled == n);
    CHECK(runs == values);
  });
}

TEST_CASE("many actors offload at once: every result is its own, and the pool has no more threads than it may") {
  weir::runtime r({.workers = testing::workers(), .pool_threads = 2});
  r.run([&] {
    const int n = testing::rounds(20'000);
    constexpr int actors = 500;
    std::atomic<int> at_once{0}, most{0};
    auto [tx, rx] = weir::channel<int>(16);
    std::int64_t sum = 0;
    weir::with_scope([&, out = std::move(tx)](weir::scope& s) mutable {
      for (int a = 0; a < actors; ++a)
        s.spawn([&, a, out] {
          for (int i = a; i < n; i += actors)
            out.send(weir::offload([&, i] {
              const int now = ++at_once;
              for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
              }
              --at_once;
              return i;
            }));
        });
      out.reset();
      for (int v : rx) sum += v;
    });
    CHECK(sum == std::int64_t{n} * (n - 1) / 2);
    CHECK(most <= 2);
    const auto stats = core_here().cpu_jobs()->stats();
    CHECK(stats.threads <= 2);
    CHECK(stats.done == static_cast<std::uint64_t>(n));
  });
}

TEST_CASE("a result is not held up by the long job that its thread does next, however thick results came before") {
  weir::runtime r({.workers = testing::workers(), .pool_threads = 1});
  r.run([] {
    const int n = testing::rounds(20);
    std::atomic<int> ran{0}, came{0};
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 200; ++a)
        s.spawn([&] {
          for (int i = 0; i < n; ++i) {
            weir::offload([&] {
              // Every 97th goes on until all results of those before it have come.
              const int before = ran++;
              if (before % 97 == 96)
                while (came < before) std::this_thread::yield();
            });
            ++came;
          }
        });
    });
    CHECK(came == 200 * n);
  });
}

TEST_CASE("~cpu_pool ends the wait of those whose job has not begun") {
  in_actor([] {
    std::optional<weir::cpu_pool> pool(std::in_place, weir::cpu_pool_options{.threads = 1});
    std::atomic<bool> inside{false}, open{false};
    auto first = weir::spawn([&] {
      weir::offload(*pool, [&] {
        inside = true;
        while (!open) std::this_thread::yield();
      });
    });
    eventually([&] { return inside.load(); });
    auto second = weir::spawn([&] { weir::offload(*pool, [] {}); });
    eventually([&] { return pool->stats().queued == 1; });
    auto third = weir::spawn([&] {
      try {
        second.join();
        EXPECT(false);
      } catch (const weir::actor_cancelled&) {
        open = true;
      }
    });
    pool.reset();
    first.join();
    third.join();
  });
}

TEST_CASE("a runtime ends with jobs that were submitted: what runs is waited for, what has not begun never does") {
  const int n = testing::rounds(300);
  for (int i = 0; i < n; ++i) {
    std::atomic<int> begun{0}, ended{0};
    weir::future<int> last;
    {
      weir::runtime r({.workers = testing::workers(), .pool_threads = 1 + i % 2});
      r.run([&] {
        for (int k = 0; k < 10; ++k)
          last = weir::submit([&, k] {
            ++begun;
            spin(200);
            ++ended;
            return k;
          });
      });
    }
    REQUIRE(begun == ended);
    REQUIRE(last.ready());
    if (begun == 10)
      REQUIRE(last.get() == 9);
    else
      REQUIRE_THROWS_AS(last.get(), weir::actor_cancelled);
  }
}

TEST_CASE("options of the runtime's pool out of range are misuse") {
  CHECK_THROWS_AS(weir::runtime({.pool_threads = 0}), weir::misuse);
  CHECK_THROWS_AS(weir::runtime({.pool_threads = 1025}), weir::misuse);
  CHECK_THROWS_AS(weir::runtime({.pool_bound = 0}), weir::misuse);
}
