// What a pipeline tells about itself while it runs. The forms of a report: pipeline_test.cc.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/pipeline/item_count.h"
#include "weir/channels/pipeline/pipeline.h"
#include "weir/channels/pipeline/report.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::numbers;

namespace {

// 1, 2, 3, ... until nobody wants more; `given` is how many went out.
auto count_up(std::atomic<long>& given) {
  return weir::generate<long>([&given](const auto& emit) {
    bool wanted = true;
    while (wanted) wanted = emit(++given);
  });
}
auto sum() {
  return weir::reduce(0L, [](long s, long i) { return s + i; });
}

}  // namespace

TEST_CASE("figures of each stage while it runs: queues, items in flight, waits that go on") {
  in_actor([] {
    std::atomic<long> given{0};
    std::atomic<int> held{0};
    weir::event go;
    const auto hold = [&](long) { ++held, go.wait(); };
    auto run = count_up(given) |
               weir::tap(hold, {.parallel = 2, .order = weir::unordered, .buffer = 4, .name = "gate"}) | sum() |
               weir::start();
    eventually([&] { return held == 2 && given == 7; });  // two are held, four wait, and the source holds one more
    // It waits now, and not only earlier.
    const auto until_now = run.progress().stages[0].blocked;
    eventually([&] { return run.progress().stages[0].blocked > until_now && run.progress().stages[2].starved > 0ns; });
    const auto first = run.progress();
    CHECK(first.stages[0].in_flight == 1);
    CHECK(first.stages[0].out == 6);
    CHECK(first.stages[1].waiting == 4);
    CHECK(first.stages[1].capacity == 4);
    CHECK(first.stages[1].in == 2);
    CHECK(first.stages[1].in_flight == 2);
    CHECK(first.stages[2].in_flight == 0);
    weir::this_actor::sleep(1ms);
    const auto passed = run.progress().since(first);
    CHECK(passed.took >= 1ms);
    CHECK(passed.stages[0].blocked >= 1ms);
    CHECK(passed.stages[2].starved >= 1ms);
    CHECK(passed.stages[1].in == 0);
    CHECK(passed.stages[1].starved == 0ns);
    go.set();
    CHECK(run.drain());
    for (const auto& s : run.wait().report.stages) {
      CHECK(s.waiting == 0);
      CHECK(s.in_flight == 0);
    }
  });
}

TEST_CASE("who waits for a place of an ordered stage is blocked, and the stage is the bottleneck") {
  in_actor([] {
    const auto slow = [](int i) { return weir::this_actor::sleep(1ms), i; };
    for (;;) {
      auto r = weir::from(numbers(200)) | weir::map(slow, {.parallel = 2, .buffer = 2, .name = "slow"}) |
               weir::collect() | weir::execute();
      // Again, if the machine had something else to do while the source was not blocked.
      if (r.report.stages[0].blocked <= r.report.took / 2) continue;
      REQUIRE(r.report.bottleneck() != nullptr);
      CHECK(r.report.bottleneck()->name == "slow");
      return;
    }
  });
}

TEST_CASE("an ordered stage has in flight what waits for its turn") {
  in_actor([] {
    weir::event go;
    const auto first_waits = [&](long i) {
      if (i == 1) go.wait();
      return i;
    };
    auto run = weir::from(std::views::iota(1L, 1000L)) |
               weir::map(first_waits, {.parallel = 2, .buffer = 4, .name = "gate"}) | sum() | weir::start();
    // Places for four and two; whether the last of them is in the queue still or has been called is open.
    eventually([&] {
      const auto r = run.progress();
      return r.stages[1].in_flight == 6 && r.stages[1].waiting == 0;
    });
    CHECK(run.progress().stages[2].in == 0);
    go.set();
    const auto [value, report] = run.wait();
    CHECK(value == 999 * 1000 / 2);
    CHECK(report.stages[1].in_flight == 0);
  });
}

TEST_CASE("a pipeline tells how much of its source it has taken, if the source knows its size") {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/some.txt";
  std::ofstream(path) << std::string(300'000, 'x') << "\n" << std::string(300'000, 'y') << "\n";
  in_actor([&] {
    weir::event go;
    const auto hold = [&](const auto&) { go.wait(); };
    auto items = weir::from(std::vector<long>{1, 2, 3, 4}) | weir::tap(hold) | sum() | weir::start();
    CHECK(items.progress().total == 4);
    auto bytes = weir::lines(path) | weir::tap(hold) | weir::collect() | weir::start();
    eventually([&] { return bytes.progress().stages[1].in == 1; });
    CHECK(bytes.progress().of_bytes == 600'002);
    CHECK(bytes.progress().share().value() > 0.5);
    CHECK(bytes.progress().share().value() < 1);
    go.set();
    CHECK(items.wait().report.share() == 1.0);
    CHECK(bytes.wait().report.share() == 1.0);
    std::atomic<long> given{0};
    auto unknown = count_up(given) | sum() | weir::start();
    CHECK_FALSE(unknown.progress().share());
  });
}

TEST_CASE("how long calls took: those that fail or run out of time count as the others do") {
  in_actor([] {
    const auto fails = [](int) -> int {
      weir::this_actor::sleep(2ms);
      throw std::runtime_error("late and in vain");
    };
    const auto failed = weir::from(numbers(8)) | weir::map(fails, {.name = "slow"}) | weir::on_error(weir::skip) |
                        weir::collect() | weir::execute();
    CHECK(testing::stage(failed.report, "slow").p50 >= 2ms * 4 / 5);
    const auto hangs = [](int i) { return weir::this_actor::sleep(1h), i; };
    const auto late = weir::from(numbers(4)) | weir::map(hangs, {.name = "slow", .timeout = 2ms}) |
                      weir::on_error(weir::retry(1), weir::skip) | weir::collect() | weir::execute();
    CHECK(testing::stage(late.report, "slow").errors == 8);
    CHECK(testing::stage(late.report, "slow").p50 >= 2ms * 4 / 5);
  });
}

TEST_CASE("each measured call stands for those around it, so runs of slow ones weigh no more than they are") {
  using weir::internal::item_count;
  struct shape {
    int fast, slow;  // how many of each follow one another
    double share() const { return static_cast<double>(slow) / (fast + slow); }
  };
  for (const shape s : {shape{9'500, 500}, shape{99'000, 1'000}, shape{5'000, 5'000}, shape{99, 1}, shape{0, 1}}) {
    item_count count;
    weir::internal::time_point at{1s};
    double of_all = 0, of_slow = 0;
    long measured = 0;
    constexpr int calls = 10'000'000;
    for (int i = 0; i < calls; ++i) {
      const bool slow = i % (s.fast + s.slow) >= s.fast;
      if (count.add()) {
        count.next_group(at, false);
        ++measured;
        of_all += count.stands_for();
        if (slow) of_slow += count.stands_for();
      }
      at += slow ? 100us : 10ns;
    }
    CAPTURE(s.fast, s.slow, measured);
    CHECK(count.items() == calls);
    CHECK(of_all == Approx(calls).epsilon(0.01));
    CHECK(of_slow / of_all == Approx(s.share()).epsilon(0.1));
    if (s.fast == 0) CHECK(measured == calls);
  }
}

TEST_CASE("the count of a stage's items never goes back while it is looked at") {
  weir::internal::item_count count;
  constexpr std::int64_t items = 5'000'000;
  std::thread stage([&] {
    for (std::int64_t i = 0; i < items; ++i)
      if (count.add()) count.next_group(weir::internal::now(), false);
  });
  std::int64_t last = 0;
  bool back = false, too_many = false;
  while (last < items) {
    const std::int64_t n = count.items();
    back = back || n < last;
    too_many = too_many || n > items;
    last = n;
  }
  stage.join();
  CHECK_FALSE(back);
  CHECK_FALSE(too_many);
}
