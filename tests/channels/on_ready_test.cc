#include "weir/channels/on_ready.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::in_actor;

namespace {

void spin(int turns) {
  for (int i = 0; i < turns; ++i) weir::internal::spin_pause();
}

}  // namespace

TEST_CASE("select runs the body of on_ready when the job is over, with or without the future") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1});
    auto f = pool.submit([] { return 3; });
    CHECK(weir::select(weir::on_ready(f, [](weir::future<int>& done) {
            EXPECT(done.ready());
            return done.get();
          })) == 3);
    auto g = pool.submit([] { return 4; });
    g.wait();
    bool ran = false;
    CHECK(weir::select(weir::on_ready(g, [&] { ran = true; })));
    CHECK(weir::select(weir::on_ready(g, [&] {})));  // until its result is taken
    CHECK(ran);
    CHECK(g.get() == 4);
  });
}

TEST_CASE("a failed job and one that never runs are ready as well, and get says so") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1});
    auto fails = pool.submit([]() -> int { throw 5; });
    CHECK_THROWS_AS(weir::select(weir::on_ready(fails, [](auto& f) { return f.get(); })), int);
    std::atomic<bool> open{false};
    auto holds = pool.submit([&] {
      while (!open) std::this_thread::yield();
    });
    auto never = pool.submit([] {});
    never.cancel();
    CHECK(weir::select(weir::on_ready(holds, [] { return 1; }), weir::on_ready(never, [] { return 2; })) == 2);
    CHECK_THROWS_AS(never.get(), weir::actor_cancelled);
    open = true;
    holds.get();
  });
}

TEST_CASE("a future without a result to take is as good as absent") {
  in_actor([] {
    weir::future<int> none;
    CHECK(weir::select(weir::on_ready(none, [] { return 1; }), weir::otherwise([] { return 2; })) == 2);
    CHECK_THROWS_AS(weir::select(weir::on_ready(none, [] {})), weir::misuse);
    CHECK_THROWS_AS(weir::select(weir::on_ready(none, [] {}).when(true)), weir::misuse);
    weir::cpu_pool pool({.threads = 1});
    auto f = pool.submit([] {});
    f.wait();
    CHECK(weir::select(weir::on_ready(f, [] { return 1; }).when(false), weir::otherwise([] { return 2; })) == 2);
  });
}

TEST_CASE("on_ready stands beside channels and timers, on plain threads too") {
  weir::cpu_pool pool({.threads = 1});
  auto [tx, rx] = weir::channel<int>(1);
  std::atomic<bool> open{false};
  auto f = pool.submit([&] {
    while (!open) std::this_thread::yield();
    return 9;
  });
  CHECK(weir::select(weir::on_ready(f, [] { return 1; }), weir::after(1ms, [] { return 2; })) == 2);
  tx.send(1);
  CHECK(weir::select(weir::on_ready(f, [] { return 1; }), weir::on_recv(rx, [](auto) { return 3; })) == 3);
  open = true;
  CHECK(weir::select(weir::on_ready(f, [](auto& done) { return done.get(); }),
                     weir::on_recv(rx, [](auto) { return 3; })) == 9);
}

TEST_CASE("select against the end of jobs, with a timer and a channel beside: no result is lost or taken twice") {
  const int n = testing::rounds(10'000);
  in_actor([n] {
    weir::cpu_pool pool({.threads = 2});
    auto [tx, rx] = weir::channel<int>(1);
    int results = 0, sent = 0, received = 0;
    for (int i = 0; i < n; ++i) {
      auto f = pool.submit([i] {
        spin(i % 40 * 10);
        return i;
      });
      if (i % 3 == 0) sent += tx.try_send(i) == weir::send_status::ok;
      while (f) {
        weir::select(weir::on_ready(f, [&](weir::future<int>& done) { results += done.get() == i; }),
                     weir::on_recv(rx, [&](std::optional<int> v) { received += v.has_value(); }),
                     weir::after(std::chrono::microseconds(i % 30), [] {}));
      }
    }
    received += static_cast<int>(rx.length());
    CHECK(results == n);
    CHECK(received == sent);
  });
}

TEST_CASE("two selects on two futures each get theirs, and a cancel leaves the job alone") {
  const int n = testing::rounds(2000);
  in_actor([n] {
    weir::cpu_pool pool({.threads = 2});
    for (int i = 0; i < n; ++i) {
      auto f = pool.submit([i] {
        spin(i % 40 * 10);
        return i;
      });
      auto a = weir::spawn([&] {
        while (weir::select(weir::on_ready(f, [] { return false; }), weir::after(1h, [] { return true; }))) {
        }
      });
      weir::this_actor::yield();
      spin(i % 20 * 10);
      a.cancel();
      try {
        a.join();
      } catch (const weir::actor_cancelled&) {
      }
      REQUIRE(f.get() == i);
    }
  });
}
