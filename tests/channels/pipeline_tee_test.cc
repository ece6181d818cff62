#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/pipeline/tee.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::endless;
using testing::eventually;
using testing::in_actor;
using testing::numbers;
using testing::sorted;

TEST_CASE("every branch of tee sees every item, in order, and so does what stands behind it") {
  in_actor([] {
    std::vector<int> seen;
    std::atomic<int> sum{0};
    auto [tx, copies] = weir::channel<int>(1000);
    auto r = weir::from(numbers(500)) |
             weir::tee([&](auto b) { return b | weir::into([&](int i) { seen.push_back(i); }); }, std::move(tx),
                       [&](auto b) {
                         return b | weir::map([](int i) { return i * 2; }, {.parallel = 3}) |
                                weir::into([&](int i) { sum += i; });
                       }) |
             weir::collect() | weir::execute();
    CHECK(r.value == numbers(500));
    CHECK(seen == numbers(500));
    CHECK(sum == 499 * 500);
    std::vector<int> sent;
    for (const int i : copies) sent.push_back(i);
    CHECK(sent == numbers(500));
    CHECK(testing::stage(r.report, "tee 1").in == 500);
    CHECK(testing::stage(r.report, "tee 1").out == 4 * 500);
    CHECK(r.report.items() == 500);  // the branches are no sources
    CHECK(r.report.stages.back().before == std::vector<std::size_t>{1});
  });
}

TEST_CASE("what stands behind tee gets the item itself, and each branch a copy") {
  in_actor([] {
    struct item {
      explicit item(std::atomic<int>& n) : copies(&n) {}
      item(const item& other) : copies(other.copies) { ++*copies; }
      item(item&&) noexcept = default;
      std::atomic<int>* copies;
    };
    std::atomic<int> copies{0};
    const auto nothing = [](auto b) { return b | weir::into([](const item&) {}); };
    weir::from(numbers(100)) | weir::map([&](int) { return item(copies); }) | weir::tee(nothing, nothing) |
        weir::into([](const item&) {}) | weir::execute();
    CHECK(copies == 200);
  });
}

TEST_CASE("the slowest branch of tee bounds the others") {
  in_actor([] {
    std::atomic<bool> open{false};
    std::atomic<int> passed{0};
    auto watcher = weir::spawn([&] {
      int last = -1;
      for (int same = 0; same < 200;) {  // until it stands still
        weir::this_actor::sleep(200us);
        same = passed == last ? same + 1 : 0;
        last = passed;
        if (last > 0 && same > 50) break;
      }
      open = true;
      return last;
    });
    weir::from(numbers(1000)) |
        weir::tee([&](auto b) { return b | weir::into([&](int) { eventually([&] { return open.load(); }); }); }) |
        weir::into([&](int) { ++passed; }) | weir::execute();
    CHECK(passed == 1000);
    CHECK(watcher.join() <= 20 + 1 + 1);  // its queue, the one in hand, and the one that waits for room
  });
}

TEST_CASE("a branch of tee that wants no more leaves the others running, and when none does its sources end") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    rx.reset();
    std::atomic<int> seen{0};
    const auto some = [&](auto b) { return b | weir::take(5) | weir::into([&](int) { ++seen; }); };
    auto r = weir::from(numbers(1000)) | weir::tee(std::move(tx), some) |
             weir::reduce(0, [](int n, int) { return n + 1; }) | weir::execute();
    CHECK(r.value == 1000);
    CHECK(seen == 5);

    seen = 0;
    auto first = weir::from(numbers(1000)) | weir::tee([&](auto b) { return b | weir::into([&](int) { ++seen; }); }) |
                 weir::take(3) | weir::collect() | weir::execute();
    CHECK(first.value == numbers(3));
    CHECK(seen == 1000);

    auto ended = endless() | weir::tee(some) | weir::take(7) | weir::collect() | weir::execute();
    CHECK(ended.value == numbers(7));

    // A source that waits for its next item hears of it.
    auto [idle, items] = weir::channel<int>(16);
    for (const int i : numbers(9)) idle.send(i);
    auto nine = weir::from(std::move(items)) |
                weir::tee([](auto b) { return b | weir::take(9) | weir::into([](int) {}); }) |
                weir::map([](int i) { return i; }, {.buffer = 2}) | weir::take(8) | weir::collect() | weir::execute();
    CHECK(nine.value == numbers(8));
    CHECK(idle.try_send(1) == weir::send_status::closed);
  });
}

TEST_CASE("the channel of a branch of tee is closed when the branch ends, not when the pipeline does") {
  in_actor([] {
    auto [tx, copies] = weir::channel<int>(4);
    int copied = 0;
    const auto last_waits = [&, copies = std::move(copies)](int i) {
      if (i < 2) return;
      for (const int c : copies) copied += c;  // ends only when the channel is closed
    };
    weir::from(numbers(3)) | weir::tee(std::move(tx)) | weir::into(last_waits, {.buffer = 4}) | weir::execute();
    CHECK(copied == 0 + 1 + 2);
  });
}

TEST_CASE("a branch of tee that fails ends the pipeline, and so does a copy, unless on_error has a remedy") {
  in_actor([] {
    const auto picky = [](int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; };
    CHECK_THROWS_WITH(endless() | weir::tee([&](auto b) {
                        return b | weir::map(picky, {.name = "picky"}) | weir::into([](int) {});
                      }) | weir::into([](int) {}) |
                          weir::execute(),
                      "stage \"picky\": no fifty");
    struct shy {
      explicit shy(int i) : n(i) {}
      shy(const shy& other) : n(other.n == 3 ? throw std::runtime_error("no copy") : other.n) {}
      shy(shy&&) noexcept = default;
      int n;
    };
    std::atomic<int> copies{0};
    const auto count = [&](auto b) { return b | weir::into([&](const shy&) { ++copies; }); };
    const auto make = [](int i) { return shy(i); };
    CHECK_THROWS_WITH(
        weir::from(numbers(9)) | weir::map(make) | weir::tee(count) | weir::into([](const shy&) {}) | weir::execute(),
        "stage \"tee 2\": no copy");
    copies = 0;
    int through = 0;
    weir::from(numbers(9)) | weir::map(make) | weir::tee(count) | weir::on_error(weir::skip) |
        weir::into([&](const shy&) { ++through; }) | weir::execute();
    CHECK(copies == 8);
    CHECK(through == 9);
  });
}

TEST_CASE("a cancel from outside ends all branches of tee, and tees may be nested") {
  in_actor([] {
    CHECK_FALSE(weir::within(2ms, [] {
      endless() | weir::tee([](auto b) { return b | weir::into([](int) { weir::this_actor::yield(); }); }) |
          weir::into([](int) { weir::this_actor::yield(); }) | weir::execute();
    }));
    std::atomic<int> inner{0}, outer{0};
    const auto count = [](std::atomic<int>& n) { return [&n](auto b) { return b | weir::into([&n](int) { ++n; }); }; };
    weir::from(numbers(100)) |
        weir::tee([&](auto b) { return b | weir::tee(count(inner)) | weir::into([&](int) { ++outer; }); }) |
        weir::into([](int) {}) | weir::execute();
    CHECK(inner == 100);
    CHECK(outer == 100);
  });
}
