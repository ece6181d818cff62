// Bad input to pipelines, and what goes wrong inside and around them.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/child.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::endless;
using testing::eventually;
using testing::in_actor;
using testing::numbers;
using testing::run_child;

namespace {

int no_fifty(int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; }
int same(int i) { return i; }
void nothing(int) {}

// What execute throws.
template <class Program>
std::string failure_of(Program program) {
  try {
    program();
  } catch (const weir::pipeline_error& e) {
    return e.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("whichever stage throws, alone or parallel, is named") {
  in_actor([] {
    for (const int n : {1, 3}) {
      const weir::stage_options bad{.parallel = n, .name = "bad"};
      const std::string text = "stage \"bad\": no fifty";
      CHECK(failure_of([&] { endless() | weir::map(no_fifty, bad) | weir::into(nothing) | weir::execute(); }) == text);
      CHECK(failure_of([&] {
              endless() | weir::map_with([] { return 0; }, [](int&, int i) { return no_fifty(i); }, bad) |
                  weir::into(nothing) | weir::execute();
            }) == text);
      CHECK(failure_of([&] {
              endless() | weir::filter([](int i) { return no_fifty(i) >= 0; }, bad) | weir::into(nothing) |
                  weir::execute();
            }) == text);
      CHECK(failure_of([&] {
              endless() | weir::tap([](int i) { no_fifty(i); }, bad) | weir::into(nothing) | weir::execute();
            }) == text);
      CHECK(failure_of([&] {
              endless() | weir::flat_map([](int i) { return std::vector<int>{no_fifty(i)}; }, bad) |
                  weir::into(nothing) | weir::execute();
            }) == text);
      CHECK(failure_of([&] { endless() | weir::into([](int i) { no_fifty(i); }, bad) | weir::execute(); }) == text);
    }
    CHECK(failure_of([] { endless() | weir::reduce(0, [](int, int i) { return no_fifty(i); }) | weir::execute(); }) ==
          "stage \"reduce 1\": no fifty");
  });
}

TEST_CASE("what throws beside a stage's function carries the stage's name too, that of the source included") {
  in_actor([] {
    const auto no_state = []() -> int { throw std::runtime_error("no state"); };
    for (const int n : {1, 3})
      CHECK(failure_of([&] {
              endless() | weir::map_with(no_state, [](int&, int i) { return i; }, {.parallel = n, .name = "bad"}) |
                  weir::into(nothing) | weir::execute();
            }) == "stage \"bad\": no state");

    struct no_copy {
      explicit no_copy(int i) : value(i) {}
      no_copy(const no_copy& other) : value(no_fifty(other.value)) {}
      no_copy(no_copy&&) noexcept = default;
      int value;
    };
    const auto make = [](int i) { return no_copy(i); };
    CHECK(failure_of([&] {
            endless() | weir::map(make) | weir::window(3) | weir::into([](const auto&) {}) | weir::execute();
          }) == "stage \"window 2\": no fifty");
    // In an actor of its own, whose name is not what is meant.
    CHECK(failure_of([&] {
            endless() | weir::map(make, {.buffer = 4}) | weir::window(3) | weir::into([](const auto&) {}) |
                weir::execute();
          }) == "stage \"window 2\": no fifty");

    struct no_letter {
      no_letter(int i) : value(no_fifty(i)) {}
      int value;
    };
    auto letters = weir::unbounded<no_letter>();
    CHECK(failure_of([&] { endless() | weir::into(letters.tx, {.name = "send"}) | weir::execute(); }) ==
          "stage \"send\": no fifty");

    const auto broken = [] {
      return weir::generate<int>([](const auto& emit) {
        emit(1);
        throw std::runtime_error("broken");
      });
    };
    CHECK(failure_of([&] { broken() | weir::into(nothing) | weir::execute(); }) == "stage \"source\": broken");
    // What a stage behind it throws goes through the source, and is not the source's.
    CHECK(failure_of([] {
            endless() | weir::map(no_fifty, {.name = "bad"}) | weir::into(nothing) | weir::execute();
          }) == "stage \"bad\": no fifty");
    // A pipeline in a pipeline: each has its name.
    const auto inner = [] {
      return weir::generate<int>([](const auto&) {
        endless() | weir::map(no_fifty, {.name = "bad"}) | weir::into(nothing) | weir::execute();
      });
    };
    CHECK(failure_of([&] { inner() | weir::into(nothing) | weir::execute(); }) ==
          "stage \"source\": stage \"bad\": no fifty");
  });
}

TEST_CASE("a batch takes memory for what comes, not for its limit") {
  in_actor([] {
    for (const long long limit : {1'000'000'000LL, 1'000'000'000'000'000'000LL}) {
      auto full = weir::from(numbers(3)) | weir::batch(limit) | weir::collect() | weir::execute();
      CHECK(full.value == std::vector<std::vector<int>>{{0, 1, 2}});
      CHECK(full.value[0].capacity() < 100);
      auto timed = weir::from(numbers(3)) | weir::batch(limit, 1h) | weir::collect() | weir::execute();
      CHECK(timed.value == std::vector<std::vector<int>>{{0, 1, 2}});
      CHECK(timed.value[0].capacity() < 100);
    }
    // From the second one on, where all are full, it is allocated once.
    auto r = weir::from(numbers(300)) | weir::batch(100) | weir::collect() | weir::execute();
    CHECK(r.value[1].capacity() == 100);
    CHECK(r.value[2].capacity() == 100);
  });
}

TEST_CASE("stages that call no function give way to others, and a cancel ends them") {
  // On one worker whoever does not give way is alone.
  weir::run({.workers = 1}, [] {
    constexpr long long never = 1'000'000'000'000'000;
    const auto numbers_for_ever = [] { return weir::from(std::views::iota(0LL)); };
    const auto cut_short = [](auto&& p) {
      auto run = std::move(p) | weir::start();
      eventually([&] {
        const auto stages = run.progress().stages;
        return std::any_of(stages.begin(), stages.end(), [](const auto& s) { return s.in > 10'000; });
      });
      run.cancel();
      CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
    };
    // The window lets nothing through, so that all of it goes on in one loop.
    cut_short(numbers_for_ever() | weir::window(2, never) | weir::collect());
    cut_short(numbers_for_ever() | weir::take(never) | weir::window(2, never) | weir::collect());
    cut_short(numbers_for_ever() | weir::batch(1) | weir::take(never) | weir::window(2, never) | weir::collect());
    cut_short(numbers_for_ever() | weir::batch(3) | weir::window(2, never) | weir::take(never) | weir::collect());
    cut_short(numbers_for_ever() | weir::collect());
    auto room = weir::unbounded<long long>();
    cut_short(numbers_for_ever() | weir::into(room.tx));
    // One item that becomes many.
    cut_short(weir::from(numbers(1)) | weir::flat_map([](int) { return std::views::iota(0LL); }) |
              weir::window(2, never) | weir::collect());
  });
}

TEST_CASE("flat_map: a range that throws while it is gone through fails the stage, and what came before goes on") {
  in_actor([] {
    const auto lazily = [](int i) { return std::views::iota(i, i + 60) | std::views::transform(no_fifty); };
    CHECK(failure_of([&] {
            weir::from(numbers(1)) | weir::flat_map(lazily, {.name = "bad"}) | weir::into(nothing) | weir::execute();
          }) == "stage \"bad\": no fifty");
    auto r = weir::from(std::vector<int>{0, 100}) | weir::flat_map(lazily) | weir::on_error(weir::skip) |
             weir::collect() | weir::execute();
    CHECK(r.value.size() == 50 + 60);  // the rest of the range is left out
    CHECK(r.report.stages[1].errors == 1);
  });
}

TEST_CASE("a stage that gives nothing for ever can be cancelled, in one loop and behind a queue") {
  in_actor([] {
    for (const int n : {1, 3}) {
      std::atomic<long> calls{0};
      for (auto span = 5ms; calls == 0; span *= 2)
        CHECK_FALSE(weir::within(span, [&] {
          endless() | weir::filter([&](int) { return ++calls < 0; }, {.parallel = n}) | weir::collect() |
              weir::execute();
        }));
      CHECK_FALSE(weir::within(5ms, [&] {
        endless() | weir::flat_map([](int) { return std::vector<int>(); }, {.parallel = n}) | weir::collect() |
            weir::execute();
      }));
      CHECK_FALSE(weir::within(5ms, [&] {
        endless() | weir::map([](int i) { return weir::this_actor::sleep(1h), i; }, {.parallel = n}) | weir::collect() |
            weir::execute();
      }));
    }
  });
}

TEST_CASE("what a reduce has is not lost with an item that fails") {
  in_actor([] {
    const auto f = [](std::vector<int> v, int i) {
      if (i == 3) throw std::runtime_error("3");
      v.push_back(i);
      return v;
    };
    const auto with = [&](auto policy) {
      return (weir::from(numbers(6)) | weir::reduce(std::vector<int>{}, f) | std::move(policy) | weir::execute()).value;
    };
    CHECK(with(weir::on_error(weir::skip)) == std::vector<int>{0, 1, 2, 4, 5});
    CHECK(with(weir::on_error(weir::end_stream)) == std::vector<int>{0, 1, 2});
    CHECK(with(weir::on_error(weir::retry(1), weir::skip)) == std::vector<int>{0, 1, 2, 4, 5});
  });
}

TEST_CASE("one stage a thousand times slower than the rest: no more than the queues hold gets ahead of it") {
  in_actor([] {
    for (;;) {
      std::atomic<int> made{0}, done{0}, most{0};
      auto r = weir::generate<int>([&](const auto& emit) {
                 while (emit(made)) {
                   const int ahead = ++made - done;
                   if (ahead > most) most = ahead;  // one writer
                 }
               }) |
               weir::map(same, {.parallel = 2, .buffer = 4}) | weir::map(same, {.buffer = 4}) |
               weir::tap(
                   [&](int) {
                     weir::this_actor::sleep(1ms);
                     ++done;
                   },
                   {.buffer = 4, .name = "slow"}) |
               weir::take(30) | weir::collect() | weir::execute();
      CHECK(r.value == numbers(30));
      // Queues of 4, 4 and 4, places for 6 in the ordered stage, and one in the hands of each actor.
      CHECK(most <= 4 + 4 + 4 + 6 + 6);
      // Again, if the machine had something else to do while the source was not blocked.
      if (r.report.stages[0].blocked <= r.report.took / 2) continue;
      REQUIRE(r.report.bottleneck() != nullptr);
      CHECK(r.report.bottleneck()->name == "slow");
      return;
    }
  });
}

TEST_CASE("a sink that is gone ends the pipeline, whatever stands before it") {
  in_actor([] {
    const auto gone = [] {
      auto ends = weir::channel<int>(4);
      return std::move(ends.tx);
    };
    endless() | weir::into(gone()) | weir::execute();
    endless() | weir::map(same, {.parallel = 3}) | weir::into(gone()) | weir::execute();
    endless() | weir::map(same, {.parallel = 3, .order = weir::unordered}) | weir::into(gone()) | weir::execute();
    endless() | weir::offload_map(same) | weir::into(gone()) | weir::execute();
    weir::merge(endless(), endless() | weir::map(same, {.parallel = 2})) | weir::into(gone()) | weir::execute();
    weir::zip(endless(), endless()) | weir::map([](auto p) { return p.first; }) | weir::into(gone()) | weir::execute();
    endless() | weir::tee(gone(), gone()) | weir::into(gone()) | weir::execute();
    endless() | weir::partition_by(same, 3, [](auto part) { return part | weir::map(same); }) | weir::into(gone()) |
        weir::execute();
    endless() | weir::batch(3, 1h) | weir::flat_map([](std::vector<int> v) { return v; }) | weir::into(gone()) |
        weir::execute();
    SUCCEED("all of them have ended");
  });
}

TEST_CASE("what is out of range is misuse, before anything runs, for every stage that takes options") {
  in_actor([] {
    std::atomic<int> begun{0};
    const auto source = [&] { return weir::generate<int>([&](const auto&) { ++begun; }); };
    const auto refused = [](auto&& p, const char* text) {
      CHECK_THROWS_WITH(std::move(p) | weir::execute(), Catch::Contains(text));
    };
    for (const int n : {0, -1}) {
      const weir::stage_options bad{.parallel = n, .name = "bad"};
      const char* const text = "stage \"bad\": .parallel must be 1 or more";
      refused(source() | weir::map(same, bad) | weir::collect(), text);
      refused(source() | weir::filter([](int) { return true; }, bad) | weir::collect(), text);
      refused(source() | weir::into(nothing, bad), text);
      refused(source() | weir::offload_map(same, {.parallel = n, .name = "bad"}) | weir::collect(), text);
      // Inside others, too.
      refused(weir::merge(source(), source() | weir::map(same, bad)) | weir::collect(), text);
      refused(weir::zip(source() | weir::map(same, bad), source()) | weir::collect(), text);
      refused(source() | weir::tee([&](auto b) { return b | weir::into(nothing, bad); }) | weir::collect(), text);
      refused(source() | weir::partition_by(same, 2, [&](auto part) { return part | weir::map(same, bad); }) |
                  weir::collect(),
              "stage \"bad[0]\": .parallel must be 1 or more");
    }
    refused(source() | weir::offload_map(same, {.buffer = -1}) | weir::collect(), ".buffer must be 0");
    refused(source() | weir::offload_map(same, {.timeout = -1s}) | weir::collect(), ".timeout must not be negative");
    refused(source() | weir::map(same, {.parallel = 2'000'000'000, .name = "bad"}) | weir::collect(),
            "stage \"bad\": .parallel must be 1 to 1000000, got 2000000000");
    // Each by itself would do.
    refused(source() | weir::map(same, {.parallel = 2, .buffer = 16'777'215, .name = "bad"}) | weir::collect(),
            "stage \"bad\": .buffer and .parallel must be 16777216 together at most, got .buffer = 16777215 and "
            ".parallel = 2");
    const char* const no_call = "it calls no function whose time .timeout could limit, got .timeout = 1000000000 ns";
    refused(source() | weir::batch(3, 1ms, {.timeout = 1s}) | weir::collect(), no_call);
    auto ends = weir::channel<int>(1);
    refused(source() | weir::into(ends.tx, {.timeout = 1s}), no_call);
    CHECK(begun == 0);
  });
}

TEST_CASE("who gives a stage a number that cannot be is told the rule, the value, the place and what to write") {
  const auto told = [](auto make, const char* text) {
    CHECK_THROWS_WITH(make(), Catch::Contains(text) && Catch::Contains(" (pipeline_faults_test.cc:"));
  };
  told([] { weir::batch(0); }, "batch: the number of items must be 1 or more, got 0");
  told([] { weir::batch(0); }, "). Say how many make a batch: weir::batch(100).");
  told([] { weir::batch(-1, 1ms); }, "). Say how many make a batch at most: weir::batch(100, 50ms).");
  told([] { weir::batch(1, 0ms); }, "the time must be more than zero, got 0 ns");
  told([] { weir::batch(1, 0ms); }, "). Say how long its first item may wait: weir::batch(100, 50ms)");
  told([] { weir::window(0); }, "). Say how many make a window: weir::window(10).");
  told([] { weir::window(1, 0); }, "). Say after how many items the next window begins: weir::window(10, 5).");
  told([] { weir::take(0); }, "). Say how many are wanted: weir::take(10).");
  told([] { weir::throttle(0, 1s); }, "). Say how many items may go in which time: weir::throttle(100, 1s).");
  told([] { weir::throttle(1, 0s); }, "). Say how many items may go in which time: weir::throttle(100, 1s).");
  told([] { weir::partition_by(same, 0, [](auto part) { return part; }); },
       "). Say how many run side by side: weir::partition_by(key, 4, build).");
}

TEST_CASE(
    "a full dead-letter channel makes the stage wait, a cancel ends that, and if nobody reads it is the next remedy's "
    "turn") {
  in_actor([] {
    const auto odd_fails = [](int i) { return i % 2 == 1 ? throw std::runtime_error("odd") : i; };
    // It waits as long as nobody reads, and loses nothing.
    auto [tx, letters] = weir::channel<int>(1);
    std::atomic<int> passed{0};
    auto reader = weir::spawn([&passed, letters = std::move(letters)] {
      eventually([&] { return letters.length() == 1 && letters.waiting() == 0 && passed >= 1; });
      for (int i = 0; i < 100; ++i) weir::this_actor::yield();
      EXPECT(passed <= 2);  // 0 and 2: the letter of 3 finds no room
      std::vector<int> dead;
      for (const int i : letters) dead.push_back(i);
      return dead;
    });
    weir::from(numbers(20)) | weir::map(odd_fails) | weir::on_error(weir::dead_letter(std::move(tx))) |
        weir::into([&](int) { ++passed; }) | weir::execute();
    CHECK(passed == 10);
    CHECK(reader.join() == std::vector<int>{1, 3, 5, 7, 9, 11, 13, 15, 17, 19});

    auto full = weir::channel<int>(1);
    auto run = endless() | weir::map(odd_fails, {.parallel = 3}) | weir::on_error(weir::dead_letter(full.tx)) |
               weir::into(nothing) | weir::start();
    eventually([&] { return full.rx.length() == 1 && full.tx.waiting() >= 1; });
    run.cancel();
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
    CHECK(full.rx.length() == 1);
    CHECK(full.tx.waiting() == 0);

    full.rx.reset();
    auto rest = weir::from(numbers(9)) | weir::map(odd_fails) | weir::on_error(weir::dead_letter(full.tx), weir::skip) |
                weir::collect() | weir::execute();
    CHECK(rest.value == std::vector<int>{0, 2, 4, 6, 8});
    CHECK(failure_of([&] {
            weir::from(numbers(9)) | weir::map(odd_fails) | weir::on_error(weir::dead_letter(full.tx)) |
                weir::into(nothing) | weir::execute();
          }) == "stage \"map 1\": odd");
  });
}

TEST_CASE("a generator that catches what its emit throws does not hide the failure of a stage") {
  in_actor([] {
    int asked = 0, wanted = 0;
    const auto catches = [&](bool then_throws) {
      return weir::generate<int>([&asked, &wanted, then_throws](const auto& emit) {
        for (int i = 45; i < 55; ++i) {
          try {
            ++asked;
            if (emit(i)) ++wanted;
          } catch (const std::exception&) {
          }
        }
        if (then_throws) throw std::logic_error("and its own");
      });
    };
    for (const bool then_throws : {false, true}) {
      asked = wanted = 0;
      CHECK(failure_of([&] {
              catches(then_throws) | weir::map(no_fifty, {.name = "bad"}) | weir::into(nothing) | weir::execute();
            }) == "stage \"bad\": no fifty");
      CHECK(asked == 10);
      CHECK(wanted == 5);
    }
  });
}

TEST_CASE("what throws between a branch and the stage behind all of them has the name of the branch's last stage") {
  in_actor([] {
    struct picky {
      picky(int i) : value(no_fifty(i)) {}
      picky(const std::vector<int>& v) : value(no_fifty(v.front())) {}
      int value;
    };
    const auto none = weir::from(std::vector<picky>());
    const auto fails = [&](auto branch) {
      return failure_of(
          [&] { weir::merge(std::move(branch), none) | weir::into([](const picky&) {}) | weir::execute(); });
    };
    CHECK(fails(endless()) == "stage \"source\": no fifty");
    CHECK(fails(endless() | weir::map(same, {.name = "last"})) == "stage \"last\": no fifty");
    for (const weir::stage_order order : {weir::ordered, weir::unordered})
      CHECK(fails(endless() | weir::map(same, {.parallel = 3, .order = order, .name = "last"})) ==
            "stage \"last\": no fifty");
    const auto fifty = [] { return weir::from(std::vector<int>{50}); };
    CHECK(fails(fifty() | weir::batch(2)) == "stage \"batch 1\": no fifty");
    CHECK(fails(fifty() | weir::batch(2, 1h, {.name = "last"})) == "stage \"last\": no fifty");
    auto [tx, rx] = weir::channel<int>(1);  // stays open: the batch goes when its time has come
    tx.send(50);
    CHECK(fails(weir::from(std::move(rx)) | weir::batch(2, 1ms, {.name = "last"})) == "stage \"last\": no fifty");
  });
}

TEST_CASE("child: SIGINT in the middle of a pipeline of every kind", "[.child]") {
  signal(SIGINT, SIG_DFL);  // whoever started this process may have it ignored
  std::atomic<int> through{0}, inside{0};
  const int status = weir::run([&] {
    weir::merge(endless(), weir::zip(endless(), endless()) | weir::map([](auto p) { return p.second; })) |
        weir::offload_map([&](int i) {
          ++inside;
          const auto until = std::chrono::steady_clock::now() + 50us;
          while (std::chrono::steady_clock::now() < until) {
          }
          --inside;
          return i;
        }) |
        weir::tee([](auto b) { return b | weir::into(nothing); }) |
        weir::partition_by(same, 2, [](auto part) { return part | weir::map(same); }) | weir::into([&](int) {
          if (++through == 200) testing::send_signal(SIGINT);
        }) |
        weir::execute();
  });
  std::printf("through %s, inside %d\n", through >= 200 ? "enough" : "less", inside.load());
  std::fflush(stdout);
  std::_Exit(status);
}
TEST_CASE("SIGINT in the middle ends all stages, waits for the calls that run, and run returns 130") {
  const auto end = run_child("child: SIGINT in the middle of a pipeline of every kind");
  CHECK(end.exit_status == 130);
  CHECK_THAT(end.output, Catch::Contains("through enough, inside 0\n"));
}
