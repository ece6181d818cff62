#include "weir/channels/pipeline/ordered_lane.h"

#include <atomic>
#include <chrono>
#include <functional>

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
