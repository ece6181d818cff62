// What a channel tells about itself.
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/channels/payloads.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/status.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using namespace testing;

TEST_CASE("statistics tell length and capacity and who holds handles and who waits") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(2);
    auto copy = rx;
    tx.send(1);
    tx.send(2);
    auto s = tx.statistics();
    CHECK(s.length == 2);
    CHECK(s.capacity == 2);
    CHECK(s.senders == 1);
    CHECK(s.receivers == 2);
    CHECK(s.senders_waiting == 0);
    copy.reset();
    weir::with_scope([&](weir::scope& scope) {
      scope.spawn("sender", [tx = tx] { tx.send(3); });
      scope.spawn("reserver", [tx = tx] { auto slot = tx.reserve(); });
      eventually([&] { return rx.statistics().senders_waiting == 2; });
      CHECK(rx.statistics().senders == 3);
      CHECK(rx.statistics().receivers == 1);
      for (int i = 0; i < 3; ++i) rx.recv();
    });
    weir::with_scope([&](weir::scope& scope) {
      scope.spawn("receiver", [rx = rx] { rx.recv(); });
      eventually([&] { return tx.statistics().receivers_waiting == 1; });
      tx.send(4);
    });
    s = rx.statistics();
    CHECK(s.length == 0);
    CHECK(s.receivers_waiting == 0);
    CHECK(s.passed == 4);
  });
}

TEST_CASE("the last to park on each side is named by its number, also once it has ended; a thread is not") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    CHECK(tx.try_send(1) == weir::send_status::ok);
    CHECK(rx.recv() == 1);
    CHECK(tx.statistics().last_sender == 0);  // nobody has had to wait
    CHECK(tx.statistics().last_receiver == 0);
    std::uint64_t first = 0, second = 0;
    weir::with_scope([&](weir::scope& s) {
      s.spawn([&, rx = rx] { first = weir::this_actor::id(), rx.recv(); });
      eventually([&] { return tx.waiting() + rx.waiting() == 1; });
      s.spawn([&, rx = rx] { second = weir::this_actor::id(), rx.recv(); });
      eventually([&] { return rx.waiting() == 2; });
      CHECK(first != second);
      CHECK(tx.statistics().last_receiver == second);
      tx.send(1);
      tx.send(2);
    });
    CHECK(rx.statistics().last_receiver == second);
    CHECK(rx.statistics().last_sender == 0);
    tx.send(1);
    weir::with_scope([&](weir::scope& s) {
      s.spawn([&, tx = tx] { first = weir::this_actor::id(), tx.send(2); });
      eventually([&] { return tx.waiting() == 1; });
      CHECK(rx.statistics().last_sender == first);
      CHECK(rx.recv() == 1);
    });
    weir::with_scope([&](weir::scope& s) {
      s.spawn([&, tx = tx] { second = weir::this_actor::id(), weir::select(weir::on_send(tx, 2, [] {})); });
      eventually([&] { return tx.waiting() == 1; });
      CHECK(rx.statistics().last_sender == second);
      CHECK(rx.recv() == 2);
    });
    std::jthread thread([&] { tx.send(3); });
    eventually([&] { return tx.waiting() == 1; });
    CHECK(rx.statistics().last_sender == 0);
    CHECK(rx.recv() == 2);
  });
}

TEST_CASE("passed counts each value that a receiver got, however it got it") {
  const int capacity = GENERATE(0, 1, 5);
  in_actor([capacity] {
    auto [tx, rx] = weir::channel<int>(capacity);
    const int n = rounds(10'000);
    long got = 0;
    auto sender = weir::spawn("sender", [tx = tx, n] {
      for (int i = 0; i < n; ++i) {
        std::vector<int> values(3, 1);
        if (i % 4 == 0) tx.send(1);
        if (i % 4 == 1) tx.send_many(values);
        if (i % 4 == 2) weir::select(weir::on_send(tx, 1, [] {}));
        if (i % 4 == 3) tx.try_send(1);
      }
      tx.close();
    });
    std::vector<int> values;
    for (bool open = true; open;) {
      got += rx.try_recv() ? 1 : 0;
      if (auto r = rx.recv(1us)) ++got;
      got += static_cast<long>(rx.recv_many(values, 2));
      weir::select(weir::on_recv(rx, [&](auto v) {
        got += v.has_value();
        open = v.has_value();
      }));
    }
    sender.join();
    CHECK(rx.statistics().passed == static_cast<std::uint64_t>(got));
  });
}

TEST_CASE("what is buffered and what dies with the channel has not passed") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(5);
    for (int i = 0; i < 5; ++i) tx.send(i);
    rx.recv();
    CHECK(tx.statistics().passed == 1);
    rx.reset();
    CHECK(tx.statistics().passed == 1);
  });
}

TEST_CASE("blocked time is that of all who waited, and of those who still do") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>({.capacity = 1, .timed = true});
    weir::with_scope([&](weir::scope& s) {
      const auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < 2; ++i) s.spawn("receiver", [rx = rx] { rx.recv(); });
      eventually([&] { return rx.waiting() == 2; });
      const auto first = tx.statistics().receivers_blocked;
      eventually([&] { return tx.statistics().receivers_blocked >= first + 10ms; });
      CHECK(tx.statistics().senders_blocked == 0ns);
      tx.send(1);
      tx.send(2);
      eventually([&] { return rx.statistics().receivers == 1; });
      // Nobody waited longer than since the beginning.
      CHECK(rx.statistics().receivers_blocked <= 2 * (std::chrono::steady_clock::now() - begin));
    });
    const auto over = rx.statistics().receivers_blocked;
    CHECK(over >= 10ms);
    // A wait is shorter than its limit by what its actor stands still before it: each again until it was long enough.
    do CHECK(rx.recv(3ms).status() == weir::recv_status::timeout);
    while (rx.statistics().receivers_blocked < over + 3ms);
    tx.send(1);
    do CHECK(tx.send(2, 3ms) == weir::send_status::timeout);
    while (tx.statistics().senders_blocked < 3ms);
    const auto of_sends = tx.statistics().senders_blocked;
    do CHECK(tx.reserve(3ms).status() == weir::send_status::timeout);
    while (tx.statistics().senders_blocked < of_sends + 3ms);
  });
}

TEST_CASE("blocked time is counted from the first look at it, if not from the start") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    CHECK(rx.recv(2ms).status() == weir::recv_status::timeout);
    CHECK(rx.statistics().receivers_blocked == 0ns);
    do CHECK(rx.recv(2ms).status() == weir::recv_status::timeout);
    while (rx.statistics().receivers_blocked < 2ms);  // one wait is shorter if its actor stands still before it
  });
}
