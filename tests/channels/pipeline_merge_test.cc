#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/pipeline/merge.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::endless;
using testing::eventually;
using testing::in_actor;
using testing::numbers;
using testing::sorted;

TEST_CASE("merge gives what several pipelines give, those of one pipeline in its order") {
  in_actor([] {
    const auto from_thousand = [](int i) { return 1000 + i; };
    auto r = weir::merge(weir::from(numbers(100)), weir::from(numbers(100)) | weir::map(from_thousand)) |
             weir::collect() | weir::execute();
    std::vector<int> low, high;
    for (const int i : r.value) (i < 1000 ? low : high).push_back(i);
    CHECK(low == numbers(100));
    CHECK(sorted(high) == high);
    CHECK(high.size() == 100);
    CHECK(r.report.items() == 200);
    CHECK(r.report.total == 200);
    const auto& last = r.report.stages.back();
    CHECK(last.in == 200);
    CHECK(last.queued);
    CHECK(last.before == std::vector<std::size_t>{0, 2});
  });
}

TEST_CASE("merge takes pipelines of other types with a common one, move-only items, and merges of merges") {
  in_actor([] {
    auto wide =
        weir::merge(weir::from(numbers(3)), weir::from(std::vector<long>{10, 11})) | weir::collect() | weir::execute();
    static_assert(std::is_same_v<decltype(wide.value), std::vector<long>>);
    CHECK(sorted(wide.value) == std::vector<long>{0, 1, 2, 10, 11});
    const auto boxed = [](int i) { return std::make_unique<int>(i); };
    auto sum = weir::merge(
                   weir::from(numbers(50)) | weir::map(boxed),
                   weir::merge(weir::from(numbers(50)) | weir::map(boxed),
                               weir::from(numbers(50)) | weir::map(boxed, {.parallel = 3, .order = weir::unordered}))) |
               weir::reduce(0, [](int s, std::unique_ptr<int> i) { return s + *i; }) | weir::execute();
    CHECK(sum.value == 3 * 49 * 50 / 2);
  });
}

TEST_CASE("merge takes any number of equal pipelines in a vector, but not none") {
  in_actor([] {
    std::vector<decltype(weir::from(numbers(1)))> many;
    for (int i = 0; i < 20; ++i) many.push_back(weir::from(numbers(10)));
    auto r = weir::merge(std::move(many)) | weir::collect() | weir::execute();
    CHECK(r.value.size() == 200);
    CHECK(r.report.items() == 200);
    CHECK_THROWS_AS(weir::merge(std::vector<decltype(weir::from(numbers(1)))>()), weir::misuse);
  });
}

TEST_CASE("of merged pipelines that always have something each has its turn") {
  in_actor([] {
    std::array<std::atomic<int>, 3> seen{};
    const auto of = [](std::size_t which) { return endless() | weir::map([which](int) { return which; }); };
    auto run = weir::merge(of(0), of(1), of(2)) | weir::tap([](std::size_t) { weir::this_actor::yield(); }) |
               weir::into([&](std::size_t which) { ++seen[which]; }) | weir::start();
    testing::eventually([&] { return std::ranges::all_of(seen, [](const auto& n) { return n > 500; }); });
    run.cancel();
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
  });
}

TEST_CASE(
    "a merged pipeline that ends early leaves the others running, and so does one that wants no more of its own") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto r =
        weir::merge(weir::from(numbers(1000)), endless() | weir::take(5),
                    weir::from(numbers(1000)) | weir::map([](int i) { return i; }, {.buffer = 2}) | weir::take(5)) |
        weir::reduce(0, [](int n, int) { return n + 1; }) | weir::execute();
    CHECK(r.value == 1010);
  });
}

TEST_CASE("once nobody wants more, all merged pipelines end, also those that wait for an item") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto r = weir::merge(endless(), weir::from(std::move(rx))) | weir::take(10) | weir::collect() | weir::execute();
    CHECK(r.value.size() == 10);
    CHECK(tx.try_send(1) == weir::send_status::closed);  // its receiver has gone
  });
}

TEST_CASE("a merged pipeline that fails cancels the others, and its stage is named") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);  // nothing ever comes
    std::atomic<int> ended{0};
    struct mark {
      std::atomic<int>& n;
      ~mark() { ++n; }
    };
    const auto program = [&] {
      weir::merge(
          weir::from(std::move(rx)), weir::generate<int>([&](const auto& emit) {
            const mark m{ended};
            for (int i = 0; emit(i); ++i) {
            }
          }),
          weir::from(numbers(100)) |
              weir::map([](int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; }, {.name = "picky"})) |
          weir::into([](int) {}) | weir::execute();
    };
    CHECK_THROWS_WITH(program(), "stage \"picky\": no fifty");
    CHECK(ended == 1);
    CHECK(tx.try_send(1) == weir::send_status::closed);
  });
}

TEST_CASE("a cancel from outside ends all merged pipelines") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    CHECK_FALSE(weir::within(2ms, [&rx = rx] {
      weir::merge(endless(), weir::from(rx), endless() | weir::map([](int i) { return i; }, {.parallel = 2})) |
          weir::into([](int) { weir::this_actor::yield(); }) | weir::execute();
    }));
  });
}
