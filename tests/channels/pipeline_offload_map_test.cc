#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/pipeline/offload_map.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::numbers;

namespace {

// How many are inside at once, and the most that ever were. Used by threads of a pool, which must not park.
struct crowd {
  std::atomic<int> now{0}, most{0};
  void enter() {
    const int n = ++now;
    int m = most;
    while (n > m && !most.compare_exchange_weak(m, n)) {
    }
  }
  void leave() { --now; }
};

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

}  // namespace

TEST_CASE("offload_map calls on threads of the pool, several at once, and keeps the order unless told otherwise") {
  in_actor(
      [] {
        weir::cpu_pool pool({.threads = 3});
        const auto worker = testing::thread_now();
        std::atomic<int> on_worker{0};
        crowd inside;
        const auto f = [&](int i) {
          inside.enter();
          if (testing::thread_now() == worker) ++on_worker;
          while (inside.most < 2) std::this_thread::yield();  // at first
          inside.leave();
          return i * 2;
        };
        std::vector<int> doubled = numbers(500);
        for (int& i : doubled) i *= 2;
        auto in_order = weir::from(numbers(500)) |
                        weir::offload_map(f, {.parallel = 6, .name = "double", .pool = &pool}) | weir::collect() |
                        weir::execute();
        CHECK(in_order.value == doubled);
        CHECK(in_order.report.stages[1].name == "double");
        CHECK(in_order.report.stages[1].in == 500);
        CHECK(in_order.report.stages[1].out == 500);
        CHECK(inside.most > 1);
        CHECK(inside.most <= 3);
        auto any_order = weir::from(numbers(500)) |
                         weir::offload_map(f, {.parallel = 6, .order = weir::unordered, .pool = &pool}) |
                         weir::collect() | weir::execute();
        std::sort(any_order.value.begin(), any_order.value.end());
        CHECK(any_order.value == doubled);
        CHECK(on_worker == 0);
      },
      1);
}

TEST_CASE("no more calls than .parallel are under way; left out it is twice the pool's threads") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 4});
    crowd inside;
    const auto f = [&](int i) {
      inside.enter();
      std::this_thread::sleep_for(50us);  // not a number of yields: each may cost a time slice of somebody else
      inside.leave();
      return i;
    };
    auto two = weir::from(numbers(200)) | weir::offload_map(f, {.parallel = 2, .pool = &pool}) | weir::collect() |
               weir::execute();
    CHECK(two.value == numbers(200));
    CHECK(inside.most <= 2);
    auto many = weir::from(numbers(200)) | weir::offload_map(f, {.pool = &pool}) | weir::collect() | weir::execute();
    CHECK(many.report.stages[1].parallel == 8);
    // On the runtime's own pool.
    auto own = weir::from(numbers(200)) | weir::offload_map(f) | weir::collect() | weir::execute();
    CHECK(own.value == numbers(200));
    CHECK(own.report.stages[1].parallel >= 2);
  });
}

TEST_CASE("items of offload_map may be move-only, and so may its results") {
  in_actor([] {
    auto r = weir::from(numbers(50)) | weir::map([](int i) { return std::make_unique<int>(i); }) |
             weir::offload_map([](std::unique_ptr<int> p) { return std::make_unique<long>(*p + 1); }) |
             weir::reduce(0L, [](long sum, std::unique_ptr<long> p) { return sum + *p; }) | weir::execute();
    CHECK(r.value == 50 * 51 / 2);
  });
}

TEST_CASE("a call of offload_map that fails ends the pipeline with the stage's name, and on_error has its say") {
  in_actor([] {
    const auto odd_fails = [](const int& i) { return i % 2 == 1 ? throw std::runtime_error("odd") : i; };
    try {
      weir::from(numbers(100)) | weir::offload_map(odd_fails, {.name = "even"}) | weir::into([](int) {}) |
          weir::execute();
      FAIL("did not throw");
    } catch (const weir::pipeline_error& e) {
      CHECK(e.stage() == "even");
      CHECK_THROWS_WITH(std::rethrow_if_nested(e), "odd");
    }
    auto skipped = weir::from(numbers(6)) | weir::offload_map(odd_fails) | weir::on_error(weir::skip) |
                   weir::collect() | weir::execute();
    CHECK(skipped.value == std::vector<int>{0, 2, 4});
    CHECK(skipped.report.stages[1].errors == 3);

    std::atomic<int> calls{0};
    const auto third_time = [&](const int& i) { return ++calls % 3 != 0 ? throw std::runtime_error("again") : i; };
    auto retried = weir::from(numbers(20)) | weir::offload_map(third_time, {.parallel = 1}) |
                   weir::on_error(weir::retry(2, 10us)) | weir::collect() | weir::execute();
    CHECK(retried.value == numbers(20));
    CHECK(retried.report.stages[1].retries == 40);

    auto [tx, letters] = weir::channel<weir::failed_item<int>>(64);
    auto rest = weir::from(numbers(20)) | weir::offload_map(odd_fails, {.name = "even"}) |
                weir::on_error(weir::dead_letter(std::move(tx))) | weir::collect() | weir::execute();
    CHECK(rest.value.size() == 10);
    int dead = 0;
    for (const auto& letter : letters) {
      CHECK(letter.value % 2 == 1);
      CHECK(letter.stage == "even");
      ++dead;
    }
    CHECK(dead == 10);
  });
}

TEST_CASE("a call that takes too long is waited for and counts as failed, and one in line by then never runs") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1});
    std::atomic<int> begun{0};
    std::atomic<bool> ended{false};
    const auto slow = [&](int i) {
      ++begun;
      const auto until = std::chrono::steady_clock::now() + 20ms;
      while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
      ended = true;
      return i;
    };
    // The first fills the one thread beyond the limit of all three. Again, if a thread stood still for that long: the
    // pool's, which was late even for the first, or a worker's, which heard of an end before it looked at the clock.
    for (bool seen = false; !seen;) {
      begun = 0, ended = false;
      auto r = weir::from(numbers(3)) | weir::offload_map(slow, {.parallel = 3, .timeout = 5ms, .pool = &pool}) |
               weir::on_error(weir::skip) | weir::collect() | weir::execute();
      CHECK(r.value.size() + static_cast<std::size_t>(r.report.stages[1].errors) == 3);
      CHECK(ended == (begun > 0));
      CHECK(begun <= 3);  // 1, unless this thread stood still for 5 ms
      seen = begun > 0 && r.value.empty();
    }
  });
}

TEST_CASE("a timeout and a cancel trip the stop_token of a function that takes one") {
  in_actor([] {
    std::atomic<int> begun{0}, stopped{0};
    const auto until_stopped = [&](int i, std::stop_token stop) {
      if (i != 1) return i;
      ++begun;
      while (!stop.stop_requested()) std::this_thread::yield();
      ++stopped;
      return i;
    };
    // Again, if the call was too late to begin.
    do {
      auto r = weir::from(numbers(3)) | weir::offload_map(until_stopped, {.timeout = 50ms}) |
               weir::on_error(weir::skip) | weir::collect() | weir::execute();
      CHECK(std::find(r.value.begin(), r.value.end(), 1) == r.value.end());
      CHECK(stopped == begun);
    } while (begun == 0);

    begun = stopped = 0;
    do {
      CHECK_FALSE(weir::within(2ms, [&] {
        weir::from(numbers(3)) | weir::offload_map(until_stopped) | weir::into([](int) {}) | weir::execute();
      }));
      CHECK(stopped == begun);
    } while (begun == 0);
  });
}

TEST_CASE("a cancel waits for the calls that run, and takes back those that have not begun") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 2});
    std::atomic<int> begun{0}, ended{0};
    std::atomic<bool> open{false};
    weir::with_scope([&](weir::scope& s) {
      auto runner = s.spawn([&] {
        weir::from(numbers(1000)) |
            weir::offload_map(
                [&](int i) {
                  ++begun;
                  wait_for(open);
                  ++ended;
                  return i;
                },
                {.parallel = 6, .pool = &pool}) |
            weir::into([](int) {}) | weir::execute();
      });
      eventually([&] { return begun == 2; });
      s.spawn([&] {
        eventually([&] { return pool.stats().queued == 0; });  // the cancel has taken back what was in line
        EXPECT(ended == 0);
        open = true;
      });
      runner.cancel();
    });
    CHECK(begun == 2);
    CHECK(ended == 2);
  });
}

TEST_CASE("offload_map with .parallel = 0 is misuse") {
  in_actor([] {
    CHECK_THROWS_WITH(weir::from(numbers(1)) | weir::offload_map([](int i) { return i; }, {.parallel = 0}) |
                          weir::collect() | weir::execute(),
                      Catch::Contains("stage \"offload_map 1\": .parallel must be 1 or more, got 0"));
  });
}
