#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/pipeline/zip.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::endless;
using testing::eventually;
using testing::in_actor;
using testing::numbers;

TEST_CASE("zip pairs the first with the first, the second with the second, and ends with the shorter one") {
  in_actor([] {
    auto r = weir::zip(weir::from(numbers(100)), weir::from(std::vector<std::string>{"a", "b", "c"})) |
             weir::collect() | weir::execute();
    CHECK(r.value == std::vector<std::pair<int, std::string>>{{0, "a"}, {1, "b"}, {2, "c"}});
    auto numbered =
        weir::zip(endless(), weir::from(numbers(5000)) | weir::map([](int i) { return i * 2; })) |
        weir::reduce(0, [](int wrong, std::pair<int, int> p) { return wrong + (p.second != 2 * p.first); }) |
        weir::execute();
    CHECK(numbered.value == 0);
    CHECK(numbered.report.stages.back().in == 5000);
    const auto& zip = *std::find_if(numbered.report.stages.begin(), numbered.report.stages.end(),
                                    [](const auto& s) { return s.kind == "zip"; });
    CHECK(zip.in == 5000);
    CHECK(zip.before == std::vector<std::size_t>{0, 2});
  });
}

TEST_CASE("zip: both may be empty, and items may be move-only") {
  in_actor([] {
    CHECK((weir::zip(weir::from(numbers(0)), endless()) | weir::collect() | weir::execute()).value.empty());
    CHECK((weir::zip(endless(), weir::from(numbers(0))) | weir::collect() | weir::execute()).value.empty());
    const auto boxed = [](int i) { return std::make_unique<int>(i); };
    auto r = weir::zip(weir::from(numbers(50)) | weir::map(boxed), weir::from(numbers(50)) | weir::map(boxed)) |
             weir::map([](auto p) { return *p.first + *p.second; }) | weir::collect() | weir::execute();
    CHECK(r.value.size() == 50);
    CHECK(r.value.back() == 98);
  });
}

TEST_CASE("the end of one cancels the other wherever it waits, before or after its next item") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    tx.send(7);
    std::atomic<int> unwound{0};
    struct mark {
      std::atomic<int>& n;
      ~mark() { ++n; }
    };
    const auto sleeper = [&] {
      return weir::generate<int>([&](const auto& emit) {
        const mark m{unwound};
        emit(1);
        weir::this_actor::sleep(1h);
      });
    };
    for (int round = 0; round < 2; ++round) {
      auto left = weir::zip(sleeper(), weir::from(numbers(1))) | weir::collect() | weir::execute();
      CHECK(left.value.size() == 1);
      auto right = weir::zip(weir::from(numbers(1)), sleeper()) | weir::collect() | weir::execute();
      CHECK(right.value.size() == 1);
    }
    CHECK(unwound == 4);
    auto idle = weir::zip(weir::from(std::move(rx)), weir::from(numbers(1))) | weir::collect() | weir::execute();
    CHECK(idle.value == std::vector<std::pair<int, int>>{{7, 0}});
    CHECK(tx.try_send(1) == weir::send_status::closed);
  });
}

TEST_CASE("a side that has come to its end is not cancelled: a tee in it gives its branch all copies") {
  in_actor([] {
    weir::event through;
    std::array<weir::event, 2> ended;
    std::array<std::vector<int>, 2> copies;
    struct signal {
      explicit signal(weir::event& e) : event(&e) {}
      signal(signal&& other) noexcept : event(std::exchange(other.event, nullptr)) {}
      ~signal() {
        if (event != nullptr) event->set();
      }
      weir::event* event;
    };
    // The last stage of `p`, whose state goes after the stages behind it have heard that there are no more items.
    const auto then = [](auto p, weir::event& e) {
      return std::move(p) |
             weir::map_with([&e] { return signal(e); }, [](signal&, auto item) { return item; }, {.buffer = 1});
    };
    const auto side = [&](std::size_t which) {
      const auto slow = [&through, &into = copies[which]](int i) {
        through.wait();
        weir::this_actor::yield();
        into.push_back(i);
      };
      return then(weir::from(numbers(10)) | weir::tee([slow](auto b) { return b | weir::into(slow); }), ended[which]);
    };
    // All items are in the zip's queues before the first pair is through; the branches begin after the last one.
    const auto wait = [&](const auto&) {
      for (weir::event& e : ended) e.wait();
    };
    auto r = then(weir::zip(side(0), side(1)) | weir::tap(wait), through) | weir::collect() | weir::execute();
    CHECK(r.value.size() == 10);
    CHECK(copies[0] == numbers(10));
    CHECK(copies[1] == numbers(10));
  });
}

TEST_CASE(
    "a branch that is cancelled with its side of a zip closes its channel with a cause though the pipeline ends well") {
  in_actor([] {
    auto [cut_tx, cut] = weir::channel<int>(1);
    auto [all_tx, all] = weir::channel<int>(10);
    auto r =
        weir::zip(endless() | weir::tee(std::move(cut_tx)), weir::from(numbers(3)) | weir::tee(std::move(all_tx))) |
        weir::collect() | weir::execute();
    CHECK(r.value.size() == 3);
    while (cut.try_recv()) {
    }
    CHECK_THROWS_AS(std::rethrow_exception(cut.cause()), weir::actor_cancelled);
    while (all.try_recv()) {
    }
    CHECK(all.cause() == nullptr);
  });
}

TEST_CASE("once nobody wants more pairs, both end") {
  in_actor([] {
    auto r = weir::zip(endless(), endless() | weir::map([](int i) { return i; }, {.parallel = 3})) | weir::take(40) |
             weir::collect() | weir::execute();
    CHECK(r.value.size() == 40);
    CHECK(r.value.back() == std::pair<int, int>{39, 39});
  });
}

TEST_CASE("once nobody wants more pairs, both are cancelled wherever they wait, also with a queue behind the zip") {
  in_actor([] {
    const auto same = [](auto pair) { return pair; };
    const auto sleeper = [] {
      return weir::generate<int>([](const auto& emit) {
        emit(1);
        weir::this_actor::sleep(1h);
      });
    };
    for (const weir::stage_options& options : {weir::stage_options{.buffer = 1}, weir::stage_options{.parallel = 3}}) {
      auto left = weir::zip(sleeper(), endless()) | weir::map(same, options) | weir::take(1) | weir::collect() |
                  weir::execute();
      CHECK(left.value.size() == 1);
      auto right = weir::zip(endless(), sleeper()) | weir::map(same, options) | weir::take(1) | weir::collect() |
                   weir::execute();
      CHECK(right.value.size() == 1);
    }
    // Where zips are inside others, all hear of it.
    auto nested = weir::merge(weir::zip(sleeper(), weir::zip(endless(), sleeper()) | weir::map(same, {.buffer = 1}))) |
                  weir::map(same, {.buffer = 1}) | weir::take(1) | weir::collect() | weir::execute();
    CHECK(nested.value.size() == 1);
  });
}

TEST_CASE("a drain of a zip that waits for one of both lets through the pairs that there are") {
  in_actor([] {
    auto [one, from_one] = weir::channel<int>(8);
    auto [two, from_two] = weir::channel<int>(8);
    auto run = weir::zip(weir::from(std::move(from_one)), weir::from(std::move(from_two))) |
               weir::map([](std::pair<int, int> p) { return p.first + p.second; }, {.buffer = 1}) | weir::collect() |
               weir::start();
    for (const int i : numbers(3)) one.send(i);
    for (const int i : numbers(2)) two.send(i);
    CHECK(run.drain());
    CHECK(run.wait().value == std::vector<int>{0, 2});
  });
}

TEST_CASE("one that fails ends the zip, and its stage is named") {
  in_actor([] {
    const auto picky = [](int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; };
    CHECK_THROWS_WITH(weir::zip(endless(), endless() | weir::map(picky, {.name = "picky"})) |
                          weir::into([](const auto&) {}) | weir::execute(),
                      "stage \"picky\": no fifty");
    CHECK_THROWS_WITH(weir::zip(endless() | weir::map(picky, {.name = "picky"}), endless()) |
                          weir::into([](const auto&) {}) | weir::execute(),
                      "stage \"picky\": no fifty");
  });
}

TEST_CASE("a cancel from outside ends a zip, and zips may be nested in merges and zips") {
  in_actor([] {
    CHECK_FALSE(weir::within(2ms, [] {
      weir::zip(endless(), endless()) | weir::into([](const auto&) { weir::this_actor::yield(); }) | weir::execute();
    }));
    auto r = weir::zip(weir::merge(weir::from(numbers(10)), weir::from(numbers(10))),
                       weir::zip(endless(), weir::from(numbers(15)))) |
             weir::collect() | weir::execute();
    CHECK(r.value.size() == 15);
  });
}

TEST_CASE("what waits for its partner is in the figures") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto run = weir::zip(endless(), weir::from(std::move(rx))) | weir::collect() | weir::start();
    const auto zip = [&] { return testing::stage(run.progress(), "zip 2"); };
    eventually([&] { return zip().waiting == 16; });  // and one more is in the hands of each actor
    CHECK(zip().capacity == 32);                      // of both queues
    tx.reset();
    CHECK(testing::stage(run.wait().report, "zip 2").waiting == 0);
  });
}
