// send_many and recv_many.
#include <numeric>
#include <thread>
#include <vector>

#include "tests/channels/payloads.h"
#include "tests/channels/races.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"

using namespace std::chrono_literals;
using namespace testing;
using weir::recv_status;
using weir::send_status;

namespace {

struct send_in_batches {
  template <class P>
  void operator()(const weir::sender<P>& tx, int first, int last) const {
    while (first <= last) {
      std::vector<P> values;
      for (int k = 0; k < 7 && first <= last; ++k) values.emplace_back(first++);
      EXPECT(tx.send_many(values) == values.size());
    }
  }
};
struct receive_in_batches {
  template <class P>
  long operator()(const weir::receiver<P>& rx) const {
    long sum = 0;
    std::vector<P> values;
    while (rx.recv_many(values, 5) > 0) {
      for (const P& v : values) {
        EXPECT(v.whole());
        sum += v.value();
      }
      values.clear();
    }
    return sum;
  }
};

struct batch_operations {
  static bool send(const weir::sender<value>& tx, weir::deadline limit, counter& sent) {
    std::vector<value> values;
    for (int i = 0; i < 3; ++i) values.push_back(std::make_unique<int>(1));
    // What went was moved from, in order, also when a cancel comes between.
    struct count {
      const std::vector<value>& of;
      counter& to;
      ~count() {
        std::size_t went = 0;
        while (went < of.size() && of[went] == nullptr) ++went;
        for (std::size_t i = went; i < of.size(); ++i) EXPECT(of[i] != nullptr);
        to += static_cast<long>(went);
      }
    } counts{values, sent};
    return tx.send_many(values, limit).status != send_status::closed;
  }
  static bool receive(const weir::receiver<value>& rx, weir::deadline limit, counter& got) {
    std::vector<value> values;
    const auto r = rx.recv_many(values, 2, limit);
    EXPECT(r.count == values.size());
    EXPECT((r.status == recv_status::ok) == (r.count > 0));
    for (const value& v : values) got += *v;
    return r.status != recv_status::closed;
  }
};

}  // namespace

TEST_CASE("recv_many takes what is there, in order, up to its limit, and waits for the first value only") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(8);
    for (int i = 0; i < 5; ++i) tx.send(i);
    std::vector<int> got;
    CHECK(rx.recv_many(got, 3) == 3);
    CHECK(rx.recv_many(got, 100) == 2);
    CHECK(got == std::vector{0, 1, 2, 3, 4});
    auto sender = weir::spawn("sender", [tx = tx, rx = rx] {
      eventually([&] { return rx.waiting() == 1; });
      tx.send(5);
    });
    CHECK(rx.recv_many(got, 100) == 1);
    CHECK(got.back() == 5);
    sender.join();
  });
}

TEST_CASE("recv_many takes from all senders that wait, and from their rendezvous too") {
  const int capacity = GENERATE(0, 2);
  in_actor([capacity] {
    auto [tx, rx] = weir::channel<int>(capacity);
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 6; ++i) {
        s.spawn("sender", [tx = tx, i] { EXPECT(tx.send(i)); });
        if (i >= capacity) eventually([&] { return tx.waiting() == static_cast<std::size_t>(i + 1 - capacity); });
        if (i < capacity) eventually([&] { return tx.length() == static_cast<std::size_t>(i + 1); });
      }
      std::vector<int> got;
      while (got.size() < 6) REQUIRE(rx.recv_many(got, 10) > 0);
      CHECK(got == std::vector{0, 1, 2, 3, 4, 5});
      CHECK(tx.waiting() == 0);
    });
  });
}

TEST_CASE("recv_many of a closed channel takes what was buffered, then nothing") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    tx.send(1);
    tx.send(2);
    tx.close();
    std::vector<int> got;
    CHECK(rx.recv_many(got, 9) == 2);
    CHECK(rx.recv_many(got, 9) == 0);
    CHECK(rx.recv_many(got, 9, 1ms).status == recv_status::closed);
    CHECK(got == std::vector{1, 2});
  });
}

TEST_CASE("recv_many ends at its deadline, and with values there an expired one still succeeds") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    std::vector<int> got;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(rx.recv_many(got, 4, 5ms).status == recv_status::timeout);
    CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
    CHECK(rx.waiting() == 0);
    tx.send(1);
    CHECK(rx.recv_many(got, 4, weir::deadline(begin)).count == 1);
    CHECK(rx.recv_many(got, 4, weir::deadline(begin)).status == recv_status::timeout);
  });
}

TEST_CASE("recv_many of no values is misuse") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    std::vector<int> got;
    CHECK_THROWS_WITH(rx.recv_many(got, 0), Catch::Contains("recv_many: the most values to take must be 1 or more"));
  });
}

TEST_CASE("send_many hands over, buffers and waits until all have gone") {
  const int capacity = GENERATE(0, 1, 3, 1000);
  in_actor([capacity] {
    auto [tx, rx] = weir::channel<int>(capacity);
    auto producer = weir::spawn("producer", [tx = std::move(tx)] {
      std::vector<int> values(3000);
      std::iota(values.begin(), values.end(), 0);
      EXPECT(tx.send_many(values) == 3000);
      EXPECT(tx.send_many({}) == 0);
    });
    int expected = 0;
    for (int& v : rx) CHECK(v == expected++);
    CHECK(expected == 3000);
    producer.join();
  });
}

TEST_CASE("send_many wakes every receiver that it serves") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(2);
    std::atomic<int> sum{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 5; ++i) s.spawn("receiver", [&sum, rx = rx] { sum += rx.recv().value(); });
      eventually([&] { return rx.waiting() == 5; });
      std::vector<int> values{1, 2, 3, 4, 5, 6, 7};
      CHECK(tx.send_many(values) == 7);
    });
    CHECK(sum == 15);
    CHECK(rx.length() == 2);
  });
}

TEST_CASE("send_many says how many went and leaves the rest unmoved, on close and on timeout") {
  in_actor([] {
    auto [tx, rx] = weir::channel<value>(2);
    std::vector<value> values;
    for (int i = 0; i < 4; ++i) values.push_back(std::make_unique<int>(i));
    const auto late = tx.send_many(values, 2ms);
    CHECK(late.status == send_status::timeout);
    CHECK(late.count == 2);
    CHECK_FALSE(late);
    CHECK((!values[0] && !values[1] && values[2] && values[3]));
    auto closer = weir::spawn("closer", [tx = tx, rx = rx] {
      eventually([&] { return tx.waiting() == 1; });
      rx.recv();
      eventually([&] { return tx.waiting() == 1; });
      rx.close();
    });
    CHECK(tx.send_many(std::span(values).subspan(2)) == 1);
    CHECK((!values[2] && values[3]));
    CHECK(tx.send_many(std::span(values).subspan(3)) == 0);
    CHECK(values[3]);
    closer.join();
  });
}

TEST_CASE("batches and single operations work side by side, from plain threads too") {
  auto [tx, rx] = weir::channel<int>(4);
  std::thread producer([tx = std::move(tx)] {
    for (int i = 0; i < 500; ++i) {
      std::vector<int> values(6, 1);
      tx.send_many(values);
      tx.send(1);
    }
  });
  int sum = 0;
  std::vector<int> got;
  while (rx.recv_many(got, 3) > 0) {
    sum += std::accumulate(got.begin(), got.end(), 0);
    got.clear();
    sum += rx.recv().value_or(0);
  }
  producer.join();
  CHECK(sum == 3500);
}

TEST_CASE("an actor that always finds values gives way to others between batches") {
  in_actor(
      [] {
        auto [tx, rx] = weir::channel<int>(4096);
        std::atomic<bool> ran{false};
        auto other = weir::spawn("other", [&ran] { ran = true; });
        std::vector<int> values(64, 1), got;
        for (int i = 0; i < 8 && !ran; ++i) {
          tx.send_many(values);
          rx.recv_many(got, 64);
        }
        CHECK(ran);
        other.join();
      },
      1);
}

TEMPLATE_TEST_CASE("batches lose, double and leak nothing", "", small_payload, aligned_payload, page_payload,
                   talkative_payload) {
  const int capacity = GENERATE(0, 1, 5);
  in_actor([capacity] {
    conserve(weir::channel<TestType>(capacity), 300, send_in_batches{}, receive_in_batches{});
    conserve(weir::channel<TestType>(capacity), 300, send_in_batches{}, receive_each{});
    conserve(weir::channel<TestType>(capacity), 300, send_each{}, receive_in_batches{});
  });
}

TEST_CASE("close against batches: what went is received") {
  in_actor([] { close_against_operations<batch_operations>([](int i) { return weir::channel<value>(i % 4); }); });
}

TEST_CASE("timeout against batches: a value is delivered or kept") {
  in_actor([] {
    timeout_against_operations<batch_operations>(weir::channel<value>(0));
    timeout_against_operations<batch_operations>(weir::channel<value>(2));
  });
}

TEST_CASE("cancel against batches: a value is delivered or kept") {
  in_actor([] {
    cancel_against_operations<batch_operations>(weir::channel<value>(0));
    cancel_against_operations<batch_operations>(weir::channel<value>(2));
    cancel_against_receives<batch_operations>(weir::channel<value>(2));
  });
}
