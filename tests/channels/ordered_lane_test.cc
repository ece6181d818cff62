#include "weir/channels/pipeline/ordered_lane.h"

#include <atomic>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"

using testing::endless;
using testing::in_actor;
using testing::numbers;

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
