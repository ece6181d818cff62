#include "weir/channels/pipeline/ordered_lane.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <ranges>
#include <stdexcept>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::endless;
using testing::in_actor;
using testing::numbers;

TEST_CASE("a generator that emits while it unwinds, before a full stage that keeps the order, is told false") {
  in_actor([] {
    std::atomic<int> told{0}, inside{0};
    auto run =
        weir::generate<int>([&](const auto& emit) {
          struct guard {
            const std::function<bool(int)>& emit;
            std::atomic<int>& told;
            ~guard() { told = emit(-1) ? 1 : 2; }
          } const at_the_end{emit, told};
          for (int i = 0; emit(i); ++i) {
          }
        }) |
        weir::map([&](int i) { return ++inside, weir::this_actor::sleep(1h), i; }, {.parallel = 2, .buffer = 2}) |
        weir::collect() | weir::start();
    testing::eventually([&] { return inside == 2 && run.progress().stages[0].blocked > 1ms; });
    run.cancel();
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
    CHECK(told == 2);
  });
}

TEST_CASE("an endless source ends once nobody wants more, also before a parallel stage that keeps the order") {
  in_actor([] {
    const auto same = [](int i) { return i; };
    for (const auto order : {weir::ordered, weir::unordered}) {
      std::atomic<int> calls{0};
      auto r = endless() | weir::map([&](int i) { return ++calls, i; }, {.parallel = 4, .order = order, .buffer = 8}) |
               weir::map(same, {.buffer = 2}) | weir::take(3) | weir::collect() | weir::execute();
      CHECK(r.value.size() == 3);
      if (order == weir::ordered) CHECK(r.value == numbers(3));
      CHECK(calls < 1000);  // what stands in queues, and some; not as long as it takes
    }
  });
}

TEST_CASE("end_stream in a parallel stage that keeps the order: what is behind the item that failed does not go on") {
  in_actor([] {
    for (int failing = 1; failing < 4; ++failing) {
      std::atomic<int> behind{0};
      const auto f = [&](int i) {
        if (i > failing) ++behind;
        // Those behind it are through before it fails.
        if (i == failing) testing::eventually([&] { return behind >= 5; });
        return i == failing ? throw std::runtime_error("enough") : i;
      };
      auto r = endless() | weir::map(f, {.parallel = 6, .buffer = 16}) | weir::on_error(weir::end_stream) |
               weir::collect() | weir::execute();
      CHECK(r.value == numbers(failing));
    }
    // Of several that fail the first in order counts; what a range gave before it failed goes on.
    const auto fails_at_three = [](int i) {
      return std::views::iota(0, 5) | std::views::transform([i](int k) {
               return i >= 2 && k == 3 ? throw std::runtime_error("three") : 10 * i + k;
             });
    };
    auto r = endless() | weir::flat_map(fails_at_three, {.parallel = 4}) | weir::on_error(weir::end_stream) |
             weir::collect() | weir::execute();
    CHECK(r.value == std::vector<int>{0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22});
    auto offloaded = endless() | weir::offload_map([](int i) { return i == 7 ? throw std::runtime_error("7") : i; }) |
                     weir::on_error(weir::end_stream) | weir::collect() | weir::execute();
    CHECK(offloaded.value == numbers(7));
  });
}
