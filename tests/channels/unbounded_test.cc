// unbounded(): a send never waits.
#include <thread>
#include <vector>

#include "tests/channels/payloads.h"
#include "tests/channels/races.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"

using namespace std::chrono_literals;
using namespace testing;
using weir::send_status;

TEST_CASE("an unbounded channel takes whatever is sent, and gives it back in order") {
  in_actor([] {
    auto [tx, rx] = weir::unbounded<int>("heap");
    CHECK(tx.capacity() == weir::no_bound);
    const int n = rounds(100'000);
    for (int i = 0; i < n; ++i) REQUIRE((i % 2 ? tx.send(i) : tx.try_send(i) == send_status::ok));
    CHECK(rx.length() == static_cast<std::size_t>(n));
    CHECK(tx.statistics().senders_blocked == 0ns);
    tx.reset();
    int expected = 0;
    for (int& v : rx) REQUIRE(v == expected++);
    CHECK(expected == n);
  });
}

TEST_CASE("an unbounded channel grows while values go round in it, and keeps their order") {
  in_actor([] {
    auto [tx, rx] = weir::unbounded<value>();
    int in = 0, out = 0;
    for (int burst = 1; burst < 200; ++burst) {
      for (int i = 0; i < burst; ++i) tx.send(std::make_unique<int>(in++));
      for (int i = 0; i < burst / 2; ++i) REQUIRE(**rx.recv() == out++);
    }
    while (auto v = rx.try_recv()) REQUIRE(**v == out++);
    CHECK(in == out);
  });
}

TEST_CASE("a send_many to an unbounded channel goes at once") {
  in_actor([] {
    auto [tx, rx] = weir::unbounded<int>();
    std::vector<int> values(10'000, 1), got;
    CHECK(tx.send_many(values) == 10'000);
    CHECK(rx.recv_many(got, 20'000) == 10'000);
    CHECK(rx.length() == 0);
  });
}

TEST_CASE("an unbounded channel closes as others do") {
  in_actor([] {
    auto [tx, rx] = weir::unbounded<value>();
    for (int i = 0; i < 40; ++i) tx.send(std::make_unique<int>(i));
    rx.close();
    auto kept = std::make_unique<int>(1);
    CHECK_FALSE(tx.send(std::move(kept)));
    CHECK(kept);
    CHECK(tx.try_send(std::move(kept)) == send_status::closed);
    int left = 0;
    while (rx.recv()) ++left;
    CHECK(left == 40);
  });
}

TEST_CASE("in a select a send to an unbounded channel is always ready") {
  in_actor([] {
    auto [tx, rx] = weir::unbounded<int>();
    auto idle = weir::channel<int>(1);
    for (int i = 0; i < 1000; ++i) {
      const bool sent =
          weir::select(weir::on_send(tx, i, [] { return true; }), weir::on_recv(idle.rx, [](auto) { return false; }),
                       weir::otherwise([] { return false; }));
      REQUIRE(sent);
    }
    for (int i = 0; i < 1000; ++i) REQUIRE(weir::select(weir::on_recv(rx, [&](auto v) { return *v == i; })));
  });
}

TEST_CASE("a shell that is slow to die does not stop a send to an unbounded channel, nor is it disturbed by growth") {
  static std::atomic<bool> hold{false};
  struct slow {
    std::unique_ptr<int> heap = std::make_unique<int>(1);
    bool is_slow;
    int moves = 0;
    explicit slow(bool s) : is_slow(s) {}
    slow(slow&& o) noexcept : heap(std::move(o.heap)), is_slow(o.is_slow), moves(o.moves + 1) {}
    ~slow() {
      if (is_slow && heap == nullptr && moves == 1) eventually([] { return !hold.load(); });  // a shell in the buffer
    }
  };
  in_actor([] {
    for (int round = 0; round < rounds(300); ++round) {
      auto [tx, rx] = weir::unbounded<slow>();
      for (int i = 0; i < 10; ++i) tx.send(slow(true));
      hold = true;
      std::atomic<int> got{0};
      weir::with_scope([&](weir::scope& s) {
        for (int i = 0; i < 10; ++i) s.spawn("receiver", [&got, rx = rx] { got += rx.recv().has_value(); });
        eventually([&] { return rx.length() == 0; });
        s.spawn("releaser", [round] {
          for (int k = 0; k < round % 50; ++k) weir::this_actor::yield();
          hold = false;
        });
        // All the way round, into the cells in which shells still are.
        for (int i = 0; i < 40; ++i) EXPECT(tx.send(slow(false)));
      });
      REQUIRE(got == 10);
      REQUIRE(rx.length() == 40);
    }
  });
}

TEMPLATE_TEST_CASE("an unbounded channel loses, doubles and leaks nothing", "", small_payload, aligned_payload,
                   page_payload, talkative_payload) {
  in_actor([] { conserve(weir::unbounded<TestType>(), 500, send_each{}, receive_each{}); });
}

TEST_CASE("what is left in an unbounded channel dies with it") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      auto [tx, rx] = weir::unbounded<page_payload>();
      auto sender = weir::spawn("sender", [tx = tx] {
        for (int k = 0; k < 40 && tx.send(page_payload(k)); ++k) {
        }
      });
      for (int k = 0; k < i % 20; ++k) (void)rx.try_recv();
      rx.reset();  // while it may be growing
      sender.join();
    }
  });
  CHECK(page_payload::alive == 0);
}

TEST_CASE("close against sends to an unbounded channel: what went is received") {
  in_actor([] { close_against_operations<plain_operations>([](int) { return weir::unbounded<value>(); }); });
}

TEST_CASE("timeout against an unbounded channel: what went is received") {
  in_actor([] { timeout_against_operations<plain_operations>(weir::unbounded<value>()); });
}
