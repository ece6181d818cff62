// Pipelines that run by themselves: start, wait, drain, cancel, progress. Stages and errors: pipeline_test.cc.
#include <atomic>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/actors/on_exit.h"
#include "weir/channels/pipeline/pipeline.h"
#include "weir/channels/pipeline/running.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

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
long sum_to(long n) { return n * (n + 1) / 2; }
const auto as_it_is = [](long i) { return i; };

}  // namespace

TEST_CASE("start returns while the pipeline runs, and wait gives what execute would have given") {
  in_actor([] {
    weir::event go;
    auto run = weir::from(std::views::iota(1L, 101L)) | weir::tap([&](long) { go.wait(); }) | sum() | weir::start();
    CHECK_FALSE(run.actor().wait(1ms));
    go.set();
    const auto [value, report] = run.wait();
    CHECK(value == 5050);
    CHECK(report.stages.front().out == 100);

    std::atomic<long> seen{0};
    auto sink = weir::from(std::views::iota(1L, 101L)) | weir::into([&](long i) { seen += i; }) | weir::start();
    CHECK(sink.wait().stages.size() == 2);
    CHECK(seen == 5050);
  });
}

TEST_CASE("wait throws the first error with the name of its stage") {
  in_actor([] {
    auto run = weir::from(std::views::iota(0L)) |
               weir::map([](long i) { return i == 7 ? throw std::runtime_error("no seven") : i; },
                         {.parallel = 2, .name = "picky"}) |
               sum() | weir::start();
    CHECK_THROWS_WITH(run.wait(), "stage \"picky\": no seven");
  });
}

TEST_CASE("start refuses options out of range where it is called") {
  in_actor([] {
    CHECK_THROWS_AS(weir::from(std::views::iota(0L)) | weir::map(as_it_is, {.parallel = 0}) | sum() | weir::start(),
                    weir::misuse);
  });
}

TEST_CASE("after a drain the sums are complete for all that the source had given out") {
  in_actor([] {
    for (const int parallel : {1, 4})
      for (const weir::stage_order order : {weir::ordered, weir::unordered}) {
        std::atomic<long> given{0};
        auto run =
            count_up(given) |
            weir::map([](long i) { return weir::this_actor::yield(), i; }, {.parallel = parallel, .order = order}) |
            weir::filter([](long) { return true; }, {.buffer = 100}) | sum() | weir::start();
        eventually([&] { return given > 50; });
        CHECK(run.drain());
        const long all = given;
        const auto [value, report] = run.wait();
        CHECK(value == sum_to(all));
        CHECK(report.stages.front().out == all);
        CHECK(given == all);
      }
  });
}

TEST_CASE("after a cancel they need not be: what is under way is lost, and wait throws") {
  in_actor([] {
    std::atomic<long> given{0}, held{0}, through{0};
    weir::event never;
    auto run = count_up(given) |
               weir::tap(
                   [&](long i) {
                     if (i > 10) ++held, never.wait();
                   },
                   {.buffer = 4}) |
               weir::into([&](long) { ++through; }) | weir::start();
    eventually([&] { return held == 1 && given == 16; });  // one is held, four wait, and the source holds one more
    run.cancel();
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
    CHECK(through == 10);
    CHECK(given == 16);
    const auto at_the_end = run.progress();
    REQUIRE(at_the_end.stages.size() == 3);
    CHECK(at_the_end.stages[1].in == 11);
    CHECK(at_the_end.stages[2].in == 10);
  });
}

TEST_CASE("a drain flushes the batch that is not full") {
  in_actor([] {
    auto [tx, rx] = weir::channel<long>(0);
    auto run = weir::from(std::move(rx)) | weir::batch(100, 1h) | weir::collect() | weir::start();
    for (long i = 1; i <= 7; ++i) CHECK(tx.send(i));
    CHECK(run.drain(1h));
    CHECK(run.wait().value == std::vector<std::vector<long>>{{1, 2, 3, 4, 5, 6, 7}});
    CHECK_FALSE(tx.send(8));
  });
}

TEST_CASE("a drain cancels what is not through at its deadline") {
  in_actor([] {
    std::atomic<long> given{0};
    weir::event never;
    auto run = count_up(given) | weir::tap([&](long) { never.wait(); }, {.parallel = 2}) | sum() | weir::start();
    eventually([&] { return given > 5; });
    CHECK_FALSE(run.drain(1ms));
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
  });
}

TEST_CASE("a cancel of who drains ends the wait; the source stays stopped, and what is under way goes on") {
  in_actor([] {
    std::atomic<long> given{0};
    weir::event go;
    auto run = count_up(given) | weir::tap([&](long) { go.wait(); }, {.buffer = 3}) | sum() | weir::start();
    eventually([&] { return given == 5; });  // one is held, three wait, and the source holds one more
    CHECK_FALSE(weir::within(1ms, [&] { run.drain(); }));
    go.set();
    CHECK(run.wait().value == sum_to(5));
    CHECK(given == 5);
  });
}

TEST_CASE("a drain of a pipeline that fails is false, and wait throws its error") {
  in_actor([] {
    weir::event go, there;
    const auto fail_late = [&](long) -> long {
      there.set();
      go.wait();
      throw std::runtime_error("broken");
    };
    auto run = weir::from(std::views::iota(0L)) | weir::map(fail_late, {.name = "late"}) | sum() | weir::start();
    there.wait();
    auto opener = weir::spawn([&] { go.set(); });
    CHECK_FALSE(run.drain());
    CHECK_THROWS_WITH(run.wait(), "stage \"late\": broken");
  });
}

TEST_CASE("a drain of a pipeline that has ended is true at once") {
  in_actor([] {
    auto run = weir::from(std::views::iota(1L, 4L)) | sum() | weir::start();
    run.actor().wait();
    CHECK(run.drain(0s));
    CHECK(run.wait().value == 6);
  });
}

TEST_CASE("a drain of merged sources that have ended, or end just then, touches nothing that has gone") {
  in_actor([] {
    auto merged = weir::merge(weir::from(numbers(3)), weir::from(numbers(3))) | weir::collect() | weir::start();
    merged.actor().wait();
    CHECK(merged.drain(0s));
    auto zipped = weir::zip(weir::from(numbers(3)), weir::from(numbers(3))) | weir::collect() | weir::start();
    zipped.actor().wait();
    CHECK(zipped.drain(0s));
    for (int i = 0; i < testing::rounds(300); ++i) {
      auto [one, from_one] = weir::channel<int>(1);
      auto [two, from_two] = weir::channel<int>(1);
      auto run = weir::merge(weir::from(from_one), weir::from(from_two)) | weir::collect() | weir::start();
      from_one.reset(), from_two.reset();
      auto ends =
          weir::spawn("ends", [one = std::move(one), two = std::move(two)]() mutable { one.reset(), two.reset(); });
      EXPECT(run.drain());
      ends.join();
    }
  });
}

TEST_CASE("a drained receiver takes what had been sent, and nobody can send more") {
  in_actor([] {
    weir::event go;
    auto [tx, rx] = weir::channel<long>(100);
    auto run = weir::from(std::move(rx)) | weir::tap([&](long) { go.wait(); }) | sum() | weir::start();
    for (long i = 1; i <= 50; ++i) CHECK(tx.send(i));
    auto opener = weir::spawn([&] {
      weir::this_actor::sleep(1ms);  // the drain comes first, usually; the sum holds either way
      go.set();
    });
    CHECK(run.drain());
    CHECK(run.wait().value == sum_to(50));
    CHECK_FALSE(tx.send(51));
  });
}

TEST_CASE("a drained receiver that is not the only one leaves the channel to the others") {
  in_actor([] {
    weir::event go;
    auto [tx, rx] = weir::channel<long>(100);
    auto run = weir::from(rx) | weir::tap([&](long) { go.wait(); }) | sum() | weir::start();
    for (long i = 1; i <= 50; ++i) CHECK(tx.send(i));
    eventually([&] { return tx.length() < 50; });  // it holds the first
    auto opener = weir::spawn([&] {
      weir::this_actor::sleep(1ms);  // the drain comes first, usually; the sums hold either way
      go.set();
    });
    CHECK(run.drain());
    CHECK(tx.send(51));
    tx.reset();
    long left = 0;
    for (const long i : rx) left += i;
    CHECK(run.wait().value + left == sum_to(51));
    CHECK(left >= 51);
  });
}

TEST_CASE("sources that are drained at once and share a channel take what had been sent") {
  in_actor([] {
    for (int i = 0; i < testing::rounds(100); ++i) {
      weir::event go;
      const auto gate = weir::tap([&](long) { go.wait(); });
      auto [tx, rx] = weir::channel<long>(100);
      for (long k = 1; k <= 50; ++k) tx.send(k);
      auto own = weir::from(rx) | gate | sum() | weir::start();
      auto run = weir::merge(weir::from(rx), weir::from(rx)) | gate | sum() | weir::start();
      rx.reset();
      auto other = weir::spawn([&] { return own.drain(); });
      auto opener = weir::spawn([&] { go.set(); });  // before or after them: the sum holds either way
      EXPECT(run.drain());
      EXPECT(other.join());
      REQUIRE(own.wait().value + run.wait().value == sum_to(50));
      REQUIRE_FALSE(tx.send(51));
    }
  });
}

TEST_CASE("a drain wakes a source that waits for its channel") {
  in_actor([] {
    auto [tx, rx] = weir::channel<long>(1);
    auto run = weir::from(std::move(rx)) | sum() | weir::start();
    eventually([&] { return tx.statistics().receivers_waiting == 1; });
    CHECK(run.drain());
    CHECK(run.wait().value == 0);
  });
}

TEST_CASE("the end of the handle cancels the pipeline and waits for it") {
  in_actor([] {
    std::atomic<long> given{0};
    std::atomic<int> in_stage{0};
    {
      struct mark {
        std::atomic<int>& n;
        ~mark() { --n; }
      };
      weir::event never;
      auto run = count_up(given) |
                 weir::tap(
                     [&](long) {
                       ++in_stage;
                       const mark m{in_stage};
                       never.wait();
                     },
                     {.parallel = 3}) |
                 sum() | weir::start();
      eventually([&] { return in_stage == 3; });
    }
    CHECK(in_stage == 0);
  });
}

TEST_CASE("a loop of stages that never wait gives way, and a cancel ends it") {
  in_actor([] {
    std::atomic<long> given{0};
    auto run = count_up(given) | weir::map(as_it_is) | sum() | weir::start();
    eventually([&] { return given > 0; });  // with one worker, too
    run.cancel();
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
  });
}

TEST_CASE("a cancel of the owner ends the pipeline with it") {
  in_actor([] {
    std::atomic<long> given{0};
    CHECK_FALSE(weir::within(2ms, [&] {
      auto run = count_up(given) | weir::tap([](long) { weir::this_actor::yield(); }) | sum() | weir::start();
      run.wait();
    }));
    const long at_the_end = given;
    weir::this_actor::yield();
    CHECK(given == at_the_end);
  });
}

TEST_CASE("progress tells how far it is while it runs") {
  in_actor([] {
    std::atomic<long> given{0};
    weir::event go;
    auto run = count_up(given) |
               weir::tap(
                   [&](long i) {
                     if (i > 20) go.wait();
                   },
                   {.buffer = 5, .name = "gate"}) |
               sum() | weir::start({.name = "counting"});
    eventually([&] { return run.progress().stages[1].in == 21; });
    const auto now = run.progress();
    CHECK(now.stages[1].name == "gate");
    CHECK(now.stages[2].in == 20);
    CHECK(run.actor().name() == "counting");
    go.set();
    CHECK(run.drain());
    CHECK(run.progress().stages[1].in == given);
    CHECK(run.progress().took == run.progress().took);  // the clock of a pipeline that has ended stands still
  });
}

TEST_CASE("a pipeline that has ended holds no channel any more though its handle lives") {
  in_actor([] {
    auto [tx, rx] = weir::channel<long>(1);
    std::atomic<long> given{0};
    auto run = count_up(given) | weir::into(std::move(tx)) | weir::start();
    CHECK(rx.recv() == 1);
    run.cancel();
    while (rx.recv()) {
    }  // ends only if the sender has gone
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);

    auto [in, out] = weir::channel<long>(0);
    auto other = weir::from(std::move(out)) | sum() | weir::start();
    CHECK(in.send(1));
    other.cancel();
    while (in.send(2)) {
    }  // ends only if the receiver has gone; it may take one more before it meets the cancel
    CHECK_THROWS_AS(other.wait(), weir::actor_cancelled);
  });
}

TEST_CASE("a select can wait for the end of a pipeline") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto run = weir::from(std::views::iota(1L, 11L)) | sum() | weir::start();
    bool ended = false;
    weir::select(weir::on_exit(run.actor(), [&] { ended = true; }), weir::on_recv(rx, [](std::optional<int>) {}));
    CHECK(ended);
    CHECK(run.wait().value == 55);
  });
}

TEST_CASE("calls of an empty handle are misuse") {
  in_actor([] {
    weir::running_pipeline<long> none;
    CHECK_FALSE(none);
    CHECK_THROWS_AS(none.wait(), weir::misuse);
    CHECK_THROWS_AS(none.drain(), weir::misuse);
    CHECK_THROWS_AS(none.progress(), weir::misuse);
    CHECK_THROWS_AS(none.cancel(), weir::misuse);
  });
}
