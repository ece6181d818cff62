// A bound by weight.
#include <string>
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

namespace {

// Texts that weigh what they are long, 10 together.
weir::channel_ends<std::string> texts(long long capacity = 100) {
  return weir::channel<std::string>(
      {.capacity = capacity, .weight = [](const std::string& s) noexcept { return s.size(); }, .max_weight = 10});
}

template <class P>
weir::channel_ends<P> weighed(long long capacity, std::size_t most) {
  return weir::channel<P>({.capacity = capacity,
                           .weight = [](const P& v) noexcept { return static_cast<std::size_t>(v.value() % 7); },
                           .max_weight = most});
}

weir::channel_ends<value> weighed_values(int round) {
  return weir::channel<value>({.capacity = 1 + round % 5,
                               .weight = [](const value& v) noexcept { return static_cast<std::size_t>(*v); },
                               .max_weight = 2});
}

struct batch_operations {
  static bool send(const weir::sender<value>& tx, weir::deadline limit, counter& sent) {
    std::vector<value> values;
    for (int i = 0; i < 3; ++i) values.push_back(std::make_unique<int>(1));
    struct count {
      const std::vector<value>& of;
      counter& to;
      ~count() {
        for (const value& v : of) to += v == nullptr;
      }
    } counts{values, sent};
    return tx.send_many(values, limit).status != send_status::closed;
  }
  static bool receive(const weir::receiver<value>& rx, weir::deadline limit, counter& got) {
    std::vector<value> values;
    const auto r = rx.recv_many(values, 2, limit);
    for (const value& v : values) got += *v;
    return r.status != weir::recv_status::closed;
  }
};

struct send_batches {
  template <class P>
  void operator()(const weir::sender<P>& tx, int first, int last) const {
    std::vector<P> values;
    for (int i = first; i <= last; ++i) values.emplace_back(i);
    EXPECT(tx.send_many(values) == values.size());
  }
};

}  // namespace

TEST_CASE("what is buffered weighs at most max_weight, and a receive makes room by weight") {
  in_actor([] {
    auto [tx, rx] = texts();
    CHECK(tx.try_send("four") == send_status::ok);
    CHECK(tx.try_send("and six") == send_status::full);
    CHECK(tx.try_send("sixsix") == send_status::ok);
    CHECK(tx.try_send("") == send_status::ok);
    CHECK(tx.try_send("x") == send_status::full);
    CHECK(tx.send("x", 1ms) == send_status::timeout);
    CHECK(rx.recv() == "four");
    CHECK(tx.try_send("12345") == send_status::full);
    CHECK(tx.try_send("1234") == send_status::ok);
    CHECK(rx.length() == 3);
  });
}

TEST_CASE("the capacity counts as well") {
  in_actor([] {
    auto [tx, rx] = texts(2);
    CHECK(tx.try_send("") == send_status::ok);
    CHECK(tx.try_send("") == send_status::ok);
    CHECK(tx.try_send("") == send_status::full);
    rx.recv();
    CHECK(tx.try_send("") == send_status::ok);
    tx.resize(3);
    CHECK(tx.try_send("") == send_status::ok);
    CHECK(tx.try_send("") == send_status::full);
  });
}

TEST_CASE("a value heavier than the bound passes alone") {
  in_actor([] {
    auto [tx, rx] = texts();
    const std::string heavy(1000, 'h');
    CHECK(tx.try_send(heavy) == send_status::ok);
    CHECK(tx.try_send("x") == send_status::full);
    CHECK(tx.try_send("") == send_status::full);
    CHECK(rx.recv() == heavy);
    tx.send("x");
    CHECK(tx.try_send(heavy) == send_status::full);
    auto sender = weir::spawn("sender", [tx = tx, heavy] { EXPECT(tx.send(heavy)); });
    eventually([&] { return tx.waiting() == 1; });
    CHECK(rx.recv() == "x");
    sender.join();
    CHECK(rx.recv() == heavy);
  });
}

TEST_CASE("when a heavy value leaves, all light ones that fit come in") {
  in_actor([] {
    auto [tx, rx] = texts();
    tx.send("ten letter");
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 6; ++i) {
        s.spawn("sender", [tx = tx, i] { EXPECT(tx.send(std::string(2, static_cast<char>('a' + i)))); });
        eventually([&] { return tx.waiting() == static_cast<std::size_t>(i + 1); });
      }
      CHECK(rx.recv() == "ten letter");
      CHECK(rx.length() == 5);
      CHECK(tx.waiting() == 1);
      for (int i = 0; i < 6; ++i) CHECK(rx.recv() == std::string(2, static_cast<char>('a' + i)));
    });
  });
}

TEST_CASE("a light value does not pass a heavy one that waits, but goes on when that one gives up") {
  in_actor([] {
    auto [tx, rx] = texts();
    tx.send("sixsix");
    weir::with_scope([&](weir::scope& s) {
      auto heavy = s.spawn("heavy", [tx = tx] { tx.send("fivee"); });
      eventually([&] { return tx.waiting() == 1; });
      CHECK(tx.try_send("x") == send_status::full);
      s.spawn("light", [tx = tx] { EXPECT(tx.send("y")); });
      eventually([&] { return tx.waiting() == 2; });
      heavy.cancel();
      eventually([&] { return tx.waiting() == 0; });
    });
    CHECK(rx.recv() == "sixsix");
    CHECK(rx.recv() == "y");
    tx.send("sixsix");
    std::atomic<bool> gone{false};
    weir::with_scope([&](weir::scope& s) {
      s.spawn("heavy", [&gone, tx = tx] {
        EXPECT(tx.send("fivee", 5ms) == send_status::timeout);
        gone = true;
      });
      eventually([&] { return gone || tx.waiting() == 1; });  // gone: this one was too slow to see it wait
      s.spawn("light", [tx = tx] { EXPECT(tx.send("y")); });
    });
    CHECK(rx.length() == 2);
  });
}

TEST_CASE("a select that gives up its heavy send lets the light one behind it in") {
  in_actor([] {
    auto [tx, rx] = texts();
    tx.send("sixsix");
    std::atomic<bool> gone{false};
    weir::with_scope([&](weir::scope& s) {
      s.spawn("heavy", [&gone, tx = tx] {
        weir::select(weir::on_send(tx, std::string("fivee"), [](bool) { EXPECT(false); }), weir::after(5ms, [] {}));
        gone = true;
      });
      eventually([&] { return gone || tx.waiting() == 1; });  // gone: this one was too slow to see it wait
      s.spawn("light", [tx = tx] { EXPECT(tx.send("y")); });
    });
    CHECK(rx.length() == 2);
    weir::with_scope([&](weir::scope& s) {
      s.spawn("selecter", [tx = tx] {
        EXPECT(weir::select(weir::on_send(tx, std::string("fivee"), [](bool sent) { return sent; })));
      });
      eventually([&] { return tx.waiting() == 1; });
      CHECK(rx.recv() == "sixsix");
    });
    CHECK(rx.recv() == "y");
    CHECK(rx.recv() == "fivee");
  });
}

TEST_CASE("a bound by weight is all or nothing, and has no slots to reserve") {
  in_actor([] {
    CHECK_THROWS_WITH(weir::channel<std::string>({.capacity = 1, .max_weight = 3}),
                      Catch::Contains("channel: a bound by weight needs .weight, .max_weight > 0 and .capacity > 0"));
    CHECK_THROWS_AS(texts(0), weir::misuse);
    auto [tx, rx] = texts();
    CHECK_THROWS_WITH(tx.reserve(), Catch::Contains("bound by weight"));
  });
}

TEMPLATE_TEST_CASE("a bound by weight loses, doubles and leaks nothing", "", small_payload, aligned_payload,
                   page_payload, talkative_payload) {
  const int capacity = GENERATE(1, 5);
  in_actor([capacity] {
    conserve(weighed<TestType>(capacity, 9), 300, send_each{}, receive_each{});
    conserve(weighed<TestType>(capacity, 2), 300, send_batches{}, receive_each{});
  });
}

TEST_CASE("close against weighed operations: what went is received") {
  in_actor([] {
    close_against_operations<plain_operations>(weighed_values);
    close_against_operations<batch_operations>(weighed_values);
  });
}

TEST_CASE("timeout and cancel against weighed operations: what went is received") {
  in_actor([] {
    timeout_against_operations<plain_operations>(weighed_values(4));
    timeout_against_operations<batch_operations>(weighed_values(4));
    cancel_against_operations<plain_operations>(weighed_values(4));
    cancel_against_operations<batch_operations>(weighed_values(4));
    cancel_against_receives<batch_operations>(weighed_values(4));
  });
}

TEST_CASE("senders of all weights that give up at random never leave one behind that fits") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(
        {.capacity = 8, .weight = [](const int& v) noexcept { return static_cast<std::size_t>(v); }, .max_weight = 6});
    std::atomic<long> sent{0}, got{0};
    weir::with_scope([&, &in = tx, &out = rx](weir::scope& s) {
      s.spawn("consumer", [&] {
        for (int v : out) got += v;
      });
      weir::with_scope([&](weir::scope& producers) {
        for (int p = 0; p < 4; ++p)
          producers.spawn("producer", [&, p] {
            for (int i = 0; i < rounds(10'000); ++i) {
              const int v = 1 + (i * 5 + p) % 8;
              if (p == 0) {
                // Without a limit: whoever is left behind here hangs the test.
                if (in.send(v)) sent += v;
              } else if (p == 1) {
                weir::select(weir::on_send(in, v, [&] { sent += v; }), weir::after(3us, [] {}));
              } else if (in.send(v, 2us) == send_status::ok) {
                sent += v;
              }
            }
          });
      });
      in.close();
    });
    CHECK(sent == got);
  });
}
