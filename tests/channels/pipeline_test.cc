#include "weir/channels/pipeline/pipeline.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

namespace {

std::vector<int> numbers(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

const weir::stage_report& stage(const weir::pipeline_report& r, const std::string& name) {
  const auto found = std::find_if(r.stages.begin(), r.stages.end(), [&](const auto& s) { return s.name == name; });
  REQUIRE(found != r.stages.end());
  return *found;
}

}  // namespace

TEST_CASE("stages without options run as one loop in one actor") {
  in_actor([] {
    std::vector<int> order;
    auto [value, report] = weir::from(numbers(4)) | weir::filter([&](int i) { return order.push_back(i), i != 1; }) |
                           weir::map([&](int i) { return order.push_back(i), i * 10; }) |
                           weir::tap([&](int i) { order.push_back(i); }) |
                           weir::reduce(0, [](int sum, int i) { return sum + i; }) | weir::execute();
    CHECK(value == 50);
    CHECK(order == std::vector<int>{0, 0, 0, 1, 2, 2, 20, 3, 3, 30});  // each item goes all the way before the next
    REQUIRE(report.stages.size() == 5);
    CHECK(report.stages[0].out == 4);
    CHECK(report.stages[1].name == "filter 1");
    CHECK(report.stages[1].out == 3);
    for (const auto& s : report.stages) CHECK_FALSE(s.queued);
  });
}

TEST_CASE("nothing runs before execute") {
  in_actor([] {
    int made = 0;
    {
      auto p = weir::from(numbers(3)) | weir::tap([&](int) { ++made; }) | weir::collect();
      weir::this_actor::yield();
      CHECK(made == 0);
      CHECK((std::move(p) | weir::execute()).value.size() == 3);
    }
    CHECK(made == 3);
  });
}

TEST_CASE("a parallel stage keeps the order unless told otherwise") {
  in_actor([] {
    std::atomic<int> at_once{0}, most{0};
    const auto slow = [&](int i) {
      const int n = ++at_once;
      int m = most;
      while (n > m && !most.compare_exchange_weak(m, n)) {
      }
      weir::this_actor::sleep(std::chrono::microseconds(i % 7 == 0 ? 300 : 0));
      --at_once;
      return i * 2;
    };
    const auto doubled = [] {
      std::vector<int> v = numbers(200);
      for (int& i : v) i *= 2;
      return v;
    }();
    auto in_order =
        weir::from(numbers(200)) | weir::map(slow, {.parallel = 8, .name = "slow"}) | weir::collect() | weir::execute();
    CHECK(in_order.value == doubled);
    CHECK(most > 1);
    CHECK(most <= 8);
    CHECK(stage(in_order.report, "slow").in == 200);
    CHECK(stage(in_order.report, "slow").out == 200);

    auto any_order = weir::from(numbers(200)) | weir::map(slow, {.parallel = 8, .order = weir::unordered}) |
                     weir::filter([](int) { return true; }) | weir::collect() | weir::execute();
    CHECK(any_order.report.stages[2].queued);  // several actors feed it
    std::sort(any_order.value.begin(), any_order.value.end());
    CHECK(any_order.value == doubled);
  });
}

TEST_CASE("one slow item holds back only as many as fit into the buffer") {
  in_actor([] {
    std::atomic<bool> go{false};
    std::atomic<int> begun{0};
    auto watcher = weir::spawn([&] {
      int last = -1;
      for (int same = 0; same < 200;) {  // until it stands still
        weir::this_actor::sleep(200us);
        same = begun == last ? same + 1 : 0;
        last = begun;
        if (last >= 4 && same > 50) break;
      }
      go = true;
      return last;
    });
    auto r = weir::from(numbers(1000)) |
             weir::map(
                 [&](int i) {
                   ++begun;
                   if (i == 0) eventually([&] { return go.load(); });
                   return i;
                 },
                 {.parallel = 4, .buffer = 10}) |
             weir::collect() | weir::execute();
    CHECK(r.value == numbers(1000));
    CHECK(watcher.join() <= 10 + 4 + 1);
  });
}

TEST_CASE("flat_map, take, batch and window") {
  in_actor([] {
    const auto twice = [](int i) { return std::vector<int>{i, i}; };
    CHECK((weir::from(numbers(3)) | weir::flat_map(twice) | weir::collect() | weir::execute()).value ==
          std::vector<int>{0, 0, 1, 1, 2, 2});
    auto some = weir::from(numbers(1000)) | weir::take(3) | weir::collect() | weir::execute();
    CHECK(some.value == numbers(3));
    CHECK(some.report.stages[0].out == 3);  // the source was stopped, not drained
    auto batches = weir::from(numbers(7)) | weir::batch(3) | weir::collect() | weir::execute();
    CHECK(batches.value == std::vector<std::vector<int>>{{0, 1, 2}, {3, 4, 5}, {6}});
    auto windows = weir::from(numbers(5)) | weir::window(3, 2) | weir::collect() | weir::execute();
    CHECK(windows.value == std::vector<std::vector<int>>{{0, 1, 2}, {2, 3, 4}});
  });
}

TEST_CASE("a batch goes on when its time has come, and the last one at the end") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto [out, batches] = weir::channel<std::vector<int>>(4);
    weir::with_scope([&, tx = std::move(tx), out = std::move(out)](weir::scope& s) mutable {
      s.spawn([rx = std::move(rx), out = std::move(out)]() mutable {
        weir::from(std::move(rx)) | weir::batch(100, 1ms) | weir::into(std::move(out)) | weir::execute();
      });
      tx.send(1), tx.send(2);
      std::vector<int> first;
      while (first.size() < 2) {
        const auto some = batches.recv();
        first.insert(first.end(), some->begin(), some->end());
      }
      CHECK(first == std::vector<int>{1, 2});
      tx.send(3);
      tx.reset();
      CHECK(batches.recv() == std::vector<int>{3});
      CHECK_FALSE(batches.recv());
    });
  });
}

TEST_CASE("a batch whose time has come goes before the next item though that is at hand") {
  in_actor([] {
    auto batch = weir::internal::timed_batch_stage{100, 1ms}.make<int>();
    std::vector<std::vector<int>> gone;
    const auto emit = [&](std::vector<int> b) { return gone.push_back(std::move(b)), gone.size() < 2; };
    int call = 0;
    const auto come = [&](int i) { return batch.process(i, call, emit); };
    CHECK(come(1));
    weir::this_actor::sleep(batch.due());
    CHECK(come(2));
    CHECK(gone == std::vector<std::vector<int>>{{1}});
    weir::this_actor::sleep(batch.due());
    CHECK_FALSE(come(3));  // it goes, and nobody wants more
    CHECK(gone == std::vector<std::vector<int>>{{1}, {2}});
  });
}

TEST_CASE("a stage that fails ends the pipeline, and execute throws with its name") {
  in_actor([] {
    for (const int parallel : {1, 3}) {
      std::atomic<int> ended{0};
      const auto program = [&] {
        struct mark {
          std::atomic<int>& n;
          ~mark() { ++n; }
        };
        weir::generate<int>([&](const auto& emit) {
          const mark m{ended};
          for (int i = 0; emit(i); ++i) {
          }
        }) |
            weir::map([](int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; },
                      {.parallel = parallel, .name = "picky"}) |
            weir::into([](int) {}) | weir::execute();
      };
      try {
        program();
        FAIL("did not throw");
      } catch (const weir::pipeline_error& e) {
        CHECK(e.stage() == "picky");
        CHECK(std::string(e.what()) == "stage \"picky\": no fifty");
        CHECK_THROWS_WITH(std::rethrow_if_nested(e), "no fifty");
      }
      CHECK(ended == 1);
    }
  });
}

TEST_CASE("on_error: skip, retry, dead letters, end of the stream") {
  in_actor([] {
    const auto odd_fails = [](int i) { return i % 2 == 1 ? throw std::runtime_error("odd") : i; };
    auto skipped =
        weir::from(numbers(6)) | weir::map(odd_fails) | weir::on_error(weir::skip) | weir::collect() | weir::execute();
    CHECK(skipped.value == std::vector<int>{0, 2, 4});
    CHECK(skipped.report.stages[1].errors == 3);

    int calls = 0;
    const auto third_time = [&](const int& i) { return ++calls % 3 != 0 ? throw std::runtime_error("again") : i; };
    auto retried = weir::from(numbers(4)) | weir::map(third_time) | weir::on_error(weir::retry(2, 10us)) |
                   weir::collect() | weir::execute();
    CHECK(retried.value == numbers(4));
    CHECK(retried.report.stages[1].retries == 8);
    CHECK_THROWS_WITH(weir::from(numbers(4)) | weir::map(third_time) | weir::on_error(weir::retry(1)) |
                          weir::collect() | weir::execute(),
                      "stage \"map 1\": again");

    auto [tx, letters] = weir::channel<weir::failed_item<int>>(8);
    auto rest = weir::from(numbers(4)) | weir::map(odd_fails, {.name = "even"}) |
                weir::on_error(weir::retry(1), weir::dead_letter(std::move(tx))) | weir::collect() | weir::execute();
    CHECK(rest.value == std::vector<int>{0, 2});
    for (const int i : {1, 3}) {
      const auto letter = letters.recv();
      REQUIRE(letter);
      CHECK(letter->value == i);
      CHECK(letter->stage == "even");
      CHECK(letter->what == "odd");
    }
    CHECK_FALSE(letters.recv());

    auto ended = weir::from(numbers(1000)) | weir::map(odd_fails) | weir::on_error(weir::end_stream) | weir::collect() |
                 weir::execute();
    CHECK(ended.value == std::vector<int>{0});
  });
}

TEST_CASE("an item that takes longer than its stage allows counts as failed") {
  in_actor([] {
    auto r = weir::from(numbers(3)) |
             weir::map(
                 [](int i) {
                   if (i == 1) weir::this_actor::sleep(1h);
                   return i;
                 },
                 {.timeout = 2ms}) |
             weir::on_error(weir::skip) | weir::collect() | weir::execute();
    CHECK(r.value == std::vector<int>{0, 2});
  });
}

TEST_CASE("map_with: each actor of the stage has a state of its own") {
  in_actor([] {
    std::atomic<int> states{0};
    struct counter {
      int n = 0;
    };
    auto r = weir::from(numbers(100)) |
             weir::map_with([&] { return ++states, counter{}; }, [](counter& c, int) { return ++c.n; },
                            {.parallel = 4, .order = weir::unordered}) |
             weir::collect() | weir::execute();
    CHECK(states == 4);
    CHECK(r.value.size() == 100);
  });
}

TEST_CASE("items may be move-only and not default-constructible") {
  in_actor([] {
    struct item {
      explicit item(int i) : value(std::make_unique<int>(i)) {}
      std::unique_ptr<int> value;
    };
    for (const int parallel : {1, 3}) {
      auto r = weir::from(numbers(50)) | weir::map([](int i) { return item(i); }, {.parallel = parallel}) |
               weir::filter([](const item& i) { return *i.value % 2 == 0; }) | weir::batch(10) |
               weir::reduce(0, [](int sum, std::vector<item> v) { return sum + static_cast<int>(v.size()); }) |
               weir::execute();
      CHECK(r.value == 25);
    }
  });
}

namespace {

// Neither assignable nor default-constructible.
struct fixed {
  explicit fixed(int i) : value(i) {}
  fixed(const fixed&) = delete;
  fixed(fixed&& other) noexcept : value(other.value) {}
  const int value;
};
// Copyable, for who shares items.
struct shared_fixed {
  explicit shared_fixed(int i) : value(i) {}
  shared_fixed(const shared_fixed&) noexcept = default;
  const int value;
};

}  // namespace

TEST_CASE("items need to be moved into being, never assigned, by no stage") {
  in_actor([] {
    const auto fix = [](int i) { return fixed(i); };
    const auto keep = [](const fixed&) { return true; };
    const auto one = [](fixed f) {
      std::vector<fixed> v;
      v.push_back(std::move(f));
      return v;
    };
    const auto sum = [](int total, const fixed& f) { return total + f.value; };
    for (const int parallel : {1, 3}) {
      // Through queues and past them.
      auto r = weir::from(numbers(100)) | weir::map(fix, {.parallel = parallel}) |
               weir::filter(keep, {.parallel = parallel}) | weir::tap([](const fixed&) {}, {.parallel = parallel}) |
               weir::map_with([] { return 0; }, [](int&, fixed f) { return f; }, {.parallel = parallel}) |
               weir::flat_map(one, {.parallel = parallel}) | weir::throttle(1000, 1ns) | weir::take(50) |
               weir::offload_map([](fixed f) { return f; }, {.parallel = parallel}) |
               weir::partition_by([](const fixed& f) { return f.value; }, 2,
                                  [](auto part) { return part | weir::map([](fixed f) { return f; }); }) |
               weir::batch(7, 1h) | weir::flat_map([](std::vector<fixed> v) { return v; }) | weir::reduce(0, sum) |
               weir::execute();
      CHECK(r.value == 49 * 50 / 2);
    }
    auto all = weir::merge(weir::from(numbers(3)) | weir::map(fix), weir::from(numbers(3)) | weir::map(fix)) |
               weir::collect() | weir::execute();
    CHECK(all.value.size() == 6);
    auto pairs = weir::zip(weir::from(numbers(3)) | weir::map(fix), weir::from(numbers(3)) | weir::map(fix)) |
                 weir::collect() | weir::execute();
    CHECK(pairs.value.size() == 3);
    // From a channel and into one, and the sum itself.
    auto ends = weir::channel<fixed>(3);
    for (int i = 0; i < 3; ++i) ends.tx.send(fixed(i));
    ends.tx.reset();
    auto out = weir::channel<fixed>(3);
    weir::from(std::move(ends.rx)) | weir::into(std::move(out.tx)) | weir::execute();
    CHECK((weir::from(std::move(out.rx)) |
           weir::reduce(fixed(0), [](fixed total, fixed f) { return fixed(total.value + f.value); }) | weir::execute())
              .value.value == 3);

    std::atomic<int> seen{0};
    auto copies = weir::from(numbers(5)) | weir::map([](int i) { return shared_fixed(i); }) |
                  weir::tee([&](auto b) { return b | weir::into([&](const shared_fixed&) { ++seen; }); }) |
                  weir::window(2) | weir::collect() | weir::execute();
    CHECK(copies.value.size() == 4);
    CHECK(seen == 5);
  });
}

TEST_CASE("lines reads a file, with a last line that does not end") {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/lines.txt";
  std::ofstream(path) << "one\n\nthree" << std::string(600'000, 'x') << "\nlast";
  in_actor([&] {
    auto r = weir::lines(path) | weir::collect() | weir::execute();
    REQUIRE(r.value.size() == 4);
    CHECK(r.value[0] == "one");
    CHECK(r.value[1].empty());
    CHECK(r.value[2].size() == 600'005);
    CHECK(r.value[3] == "last");
    CHECK_THROWS_WITH(weir::lines("/no/such/file") | weir::collect() | weir::execute(),
                      Catch::Contains("lines: open /no/such/file: No such file or directory"));
  });
}

TEST_CASE("a sink whose channel nobody receives from ends the pipeline") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto consumer = weir::spawn([rx = std::move(rx)]() mutable {
      for (int i = 0; i < 10; ++i) EXPECT(rx.recv() == i);
    });
    weir::generate<int>([](const auto& emit) {
      for (int i = 0; emit(i); ++i) {
      }
    }) | weir::into(std::move(tx)) |
        weir::execute();
    consumer.join();
  });
}

TEST_CASE("a cancel from outside ends all stages") {
  in_actor([] {
    CHECK_FALSE(weir::within(2ms, [] {
      weir::generate<int>([](const auto& emit) {
        for (int i = 0; emit(i); ++i) {
        }
      }) | weir::map([](int i) { return i; }, {.parallel = 2}) |
          weir::batch(10, 1h) | weir::into([](const std::vector<int>&) { weir::this_actor::yield(); }) |
          weir::execute();
    }));
  });
}

TEST_CASE("options out of range are misuse and name the stage") {
  in_actor([] {
    CHECK_THROWS_WITH(weir::from(numbers(1)) | weir::map([](int i) { return i; }, {.parallel = 0, .name = "m"}) |
                          weir::collect() | weir::execute(),
                      Catch::Contains("stage \"m\": .parallel must be 1 or more, got 0 (pipeline_test.cc:"));
    CHECK_THROWS_WITH(
        weir::from(numbers(1)) | weir::batch(10, 1ms, {.parallel = 2}) | weir::collect() | weir::execute(),
        Catch::Contains("it looks at several items and runs in one actor, got .parallel = 2"));
    CHECK_THROWS_AS(weir::batch(0), weir::misuse);
    CHECK_THROWS_AS(weir::throttle(1, 0s), weir::misuse);
    CHECK_THROWS_AS(weir::retry(-1), weir::misuse);
  });
}

TEST_CASE("a report names the stage that holds up the others, and prints as table, JSON and graph") {
  in_actor([] {
    const auto run = [] {
      return weir::from(numbers(100)) | weir::map([](int i) { return i; }, {.buffer = 2, .name = "fast"}) |
             weir::tap([](int) { weir::this_actor::sleep(100us); }, {.buffer = 2, .name = "slow"}) |
             weir::into([](int) {}, {.buffer = 2, .name = "store"}) | weir::execute();
    };
    auto r = run();
    // Again, if the machine had something else to do while the source was not blocked.
    while (r.stages[0].blocked <= r.took / 2) r = run();
    REQUIRE(r.bottleneck() != nullptr);
    CHECK(r.bottleneck()->name == "slow");
    CHECK_THAT(r.text(), Catch::Contains("bottleneck: slow") && Catch::Contains("100 items in "));
    CHECK_THAT(r.json(), Catch::Contains("\"name\": \"slow\", \"kind\": \"tap\", \"parallel\": 1, \"capacity\": 2, "
                                         "\"in\": 100, \"out\": 100"));
    CHECK_THAT(r.dot(), Catch::Contains("s1 -> s2 [label=\"queue 0/2\"]"));
    CHECK(stage(r, "slow").p50 >= 100us * 4 / 5);
  });
}

TEST_CASE("a throttle lets through no more than its number in its time") {
  in_actor([] {
    const auto begin = std::chrono::steady_clock::now();
    auto r = weir::from(numbers(9)) | weir::throttle(3, 2ms) | weir::collect() | weir::execute();
    CHECK(r.value == numbers(9));
    CHECK(std::chrono::steady_clock::now() - begin >= 4ms);  // the last three went two times 2 ms after the first three
  });
}
