// Pipelines whose items come out of a receiver: to_channel, and how into(tx) ends.
#include "weir/channels/pipeline/to_channel.h"

#include <atomic>
#include <exception>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::endless;
using testing::eventually;
using testing::in_actor;
using testing::numbers;

namespace {

int no_fifty(int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; }

std::string text_of(const std::exception_ptr& cause) {
  if (cause == nullptr) return "none";
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& e) {
    return e.what();
  }
}
template <class T>
std::vector<T> all_of(const weir::receiver<T>& rx) {
  std::vector<T> all;
  for (T& item : rx) all.push_back(std::move(item));
  return all;
}

}  // namespace

TEST_CASE("to_channel: a pipeline runs by itself, and its items come out of a receiver") {
  in_actor([] {
    auto [items, run] = weir::from(numbers(100)) | weir::map([](int i) { return std::make_unique<int>(i); }) |
                        weir::to_channel(8, {.name = "boxes"});
    CHECK(items.capacity() == 8);
    CHECK(run.actor().name() == "boxes");
    int expected = 0;
    for (const std::unique_ptr<int>& box : items) CHECK(*box == expected++);
    CHECK(expected == 100);
    CHECK(items.cause() == nullptr);
    CHECK(run.wait().stages.back().in == 100);
  });
}

TEST_CASE("to_channel: a select waits for the items of two pipelines and for something else") {
  in_actor([] {
    auto evens = weir::from(std::views::iota(0, 50)) | weir::map([](int i) { return 2 * i; }) | weir::to_channel(4);
    auto odds = weir::from(std::views::iota(0, 50)) | weir::map([](int i) { return 2 * i + 1; }) | weir::to_channel(0);
    auto [tx, rx] = weir::channel<int>(1);
    tx.send(1000);
    int sum = 0, open = 2;
    bool even = true, odd = true;
    const auto add = [&](bool& on) {
      return [&](std::optional<int> i) {
        sum += i.value_or(0);
        if (!i) on = false, --open;
      };
    };
    while (open > 0)
      weir::select(weir::on_recv(evens.items, add(even)).when(even), weir::on_recv(odds.items, add(odd)).when(odd),
                   weir::on_recv(rx, [&](std::optional<int> i) { sum += *i; }));
    CHECK(sum == 99 * 50 + 1000);
  });
}

TEST_CASE("to_channel: as many items as fit are made ahead") {
  in_actor([] {
    std::atomic<int> made{0};
    auto out = endless() | weir::tap([&](int) { ++made; }) | weir::to_channel(5);
    eventually([&] { return out.items.length() == 5; });
    for (int i = 0; i < 20; ++i) CHECK(out.items.recv() == i);
    CHECK(made <= 20 + 5 + 1);
  });
}

TEST_CASE("to_channel: a failure closes the channel with its cause, behind what came before it") {
  in_actor([] {
    auto [items, run] = endless() | weir::map(no_fifty, {.name = "picky"}) | weir::to_channel(4);
    CHECK(all_of(items) == numbers(50));
    CHECK(text_of(items.cause()) == "stage \"picky\": no fifty");
    CHECK_THROWS_AS(std::rethrow_exception(items.cause()), weir::pipeline_error);
    CHECK_THROWS_WITH(run.wait(), "stage \"picky\": no fifty");

    auto [none, nothing] = weir::lines("/no/such/file") | weir::to_channel(4);
    CHECK(all_of(none).empty());
    CHECK_THAT(text_of(none.cause()), Catch::Contains("lines: open /no/such/file"));
    CHECK_THROWS_WITH(nothing.wait(), Catch::Contains("lines: open /no/such/file"));
  });
}

TEST_CASE("to_channel: a cancel closes the channel with a cause too, as there is less in it than there was") {
  in_actor([] {
    auto [items, run] = endless() | weir::to_channel(4, {.name = "rows"});
    CHECK(items.recv() == 0);
    run.cancel();
    while (items.recv()) {
    }
    CHECK(text_of(items.cause()) == "pipeline \"rows\": cancelled before its end");
    CHECK_THROWS_AS(std::rethrow_exception(items.cause()), weir::actor_cancelled);
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
  });
}

TEST_CASE("to_channel: the end of the receiver ends the pipeline, also if it waits for an item or for room") {
  in_actor([] {
    {
      auto [tx, rx] = weir::channel<int>(4);
      auto [items, run] = weir::from(std::move(rx)) | weir::map([](int i) { return i; }) | weir::to_channel(4);
      eventually([&tx = tx] { return tx.statistics().receivers_waiting == 1; });
      items.reset();
      CHECK(run.wait().stages.size() == 3);  // no failure: as if there were a take
      CHECK(tx.try_send(1) == weir::send_status::closed);
    }
    {
      auto [items, run] = endless() | weir::to_channel(1);
      eventually([&items = items] { return items.length() == 1; });
      items.reset();
      run.wait();
    }
    {  // Somebody else still receives.
      auto [tx, rx] = weir::channel<int>(4);
      auto [items, run] = weir::from(std::move(rx)) | weir::to_channel(4);
      auto other = items;
      items.reset();
      CHECK(tx.send(7));
      CHECK(other.recv() == 7);
      other.close();
      run.wait();
      CHECK(tx.try_send(1) == weir::send_status::closed);
    }
    {  // A branch that still wants items gets them.
      auto [tx, rx] = weir::channel<int>(4);
      std::atomic<int> seen{0};
      auto [items, run] = weir::from(std::move(rx)) |
                          weir::tee([&](auto b) { return b | weir::into([&](int) { ++seen; }); }) | weir::to_channel(4);
      items.reset();
      for (const int i : numbers(20)) CHECK(tx.send(i));
      tx.reset();
      run.wait();
      CHECK(seen == 20);
    }
  });
}

TEST_CASE("to_channel: a drain lets through what the source had given out, to whoever receives") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(100);
    for (const int i : numbers(50)) tx.send(i);
    auto [items, run] = weir::from(std::move(rx)) | weir::batch(8, 1h) | weir::to_channel(1);
    auto drained = weir::spawn([&run = run] { return run.drain(); });
    std::vector<int> all;
    for (const std::vector<int>& some : items) all.insert(all.end(), some.begin(), some.end());
    CHECK(all == numbers(50));
    CHECK(drained.join());
    CHECK(items.cause() == nullptr);
  });
}

TEST_CASE("to_channel: the end of the handle cancels the pipeline and waits for it") {
  in_actor([] {
    weir::receiver<int> kept;
    std::atomic<int> inside{0};
    {
      weir::event never;
      auto out = endless() | weir::tap([&](int i) {
                   if (i < 3) return;
                   ++inside;
                   never.wait();
                 }) |
                 weir::to_channel(8);
      kept = out.items;
      eventually([&] { return inside == 1; });
    }
    CHECK(all_of(kept) == numbers(3));
    CHECK(kept.cause() != nullptr);
    CHECK_THROWS_AS(endless() | weir::to_channel(-1), weir::misuse);
  });
}

TEST_CASE("into a sender: what ends the pipeline before its time is the cause of the channel, of every branch") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(100);
    auto [copies_tx, copies] = weir::channel<int>(100);
    auto [first_tx, first] = weir::channel<int>(100);
    const auto three = [&first_tx = first_tx](auto b) { return b | weir::take(3) | weir::into(std::move(first_tx)); };
    CHECK_THROWS_WITH(endless() | weir::tee(std::move(copies_tx), three) |
                          weir::map(no_fifty, {.buffer = 1, .name = "picky"}) | weir::into(std::move(tx)) |
                          weir::execute(),
                      "stage \"picky\": no fifty");
    CHECK(all_of(rx) == numbers(50));
    CHECK(text_of(rx.cause()) == "stage \"picky\": no fifty");
    const auto some = all_of(copies);  // what stood in the branch's queue is lost
    CHECK(some == numbers(static_cast<int>(some.size())));
    CHECK(text_of(copies.cause()) == "stage \"picky\": no fifty");
    CHECK(all_of(first) == numbers(3));
    CHECK(first.cause() == nullptr);  // that branch had come to its end
  });
}

TEST_CASE("into a sender that is not the only one: the others go on, and the cause is told at the end") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(100);
    auto other = tx;
    CHECK_THROWS_WITH(endless() | weir::map(no_fifty, {.name = "picky"}) | weir::into(std::move(tx)) | weir::execute(),
                      "stage \"picky\": no fifty");
    CHECK(rx.cause() == nullptr);
    weir::from(numbers(2)) | weir::into(std::move(other)) | weir::execute();
    auto all = numbers(50);
    all.insert(all.end(), {0, 1});
    CHECK(all_of(rx) == all);
    CHECK(text_of(rx.cause()) == "stage \"picky\": no fifty");
  });
}

TEST_CASE("into a sender whose receivers go ends the pipeline while it waits for its next item") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto [out, received] = weir::channel<int>(4);
    auto consumer = weir::spawn([received = std::move(received)]() mutable { EXPECT(received.recv() == 1); });
    CHECK(tx.send(1));
    weir::from(std::move(rx)) | weir::map([](int i) { return i; }, {.parallel = 2}) | weir::into(std::move(out)) |
        weir::execute();
    CHECK(tx.try_send(2) == weir::send_status::closed);
    consumer.join();
  });
}
