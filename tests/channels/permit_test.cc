// reserve() and permits: a slot before there is a value.
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

struct send_by_permit {
  template <class P>
  void operator()(const weir::sender<P>& tx, int first, int last) const {
    for (int i = first; i <= last; ++i) {
      weir::permit<P> slot = tx.reserve();
      EXPECT(slot);
      if (i % 3 == 0) {
        slot.reset();
        slot = tx.reserve();
      }
      EXPECT(slot.send(P(i)));
    }
  }
};

struct permit_operations {
  static bool send(const weir::sender<value>& tx, weir::deadline limit, counter& sent) {
    weir::permit<value> slot = tx.reserve(limit);
    EXPECT(static_cast<bool>(slot) == (slot.status() == send_status::ok));
    if (!slot) return slot.status() != send_status::closed;
    value v = std::make_unique<int>(1);
    const bool went = slot.send(std::move(v));
    EXPECT(went == (v == nullptr));
    sent += went;
    return went;
  }
  static bool receive(const weir::receiver<value>& rx, weir::deadline limit, counter& got) {
    return plain_operations::receive(rx, limit, got);
  }
};

}  // namespace

TEST_CASE("a permit is a slot: nobody else gets it, and its send finds room") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(2);
    auto first = tx.reserve();
    auto second = tx.try_reserve();
    REQUIRE(first);
    REQUIRE(second);
    CHECK(tx.length() == 0);
    CHECK(tx.try_send(9) == send_status::full);
    const auto none = tx.try_reserve();
    CHECK_FALSE(none);
    CHECK(none.status() == send_status::full);
    CHECK(tx.reserve(1ms).status() == send_status::timeout);
    CHECK(second.send(2));
    CHECK_FALSE(second);
    CHECK(first.send(1));
    CHECK(rx.recv() == 2);
    CHECK(rx.recv() == 1);
  });
}

TEST_CASE("a permit that is dropped gives its slot to whoever waits longest, reserve or send") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto slot = tx.reserve();
    std::vector<int> order;
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 4; ++i) {
        s.spawn("waiter", [&order, tx = tx, i] {
          if (i % 2) {
            EXPECT(tx.send(i));
          } else {
            auto mine = tx.reserve();
            order.push_back(10 + i);
            EXPECT(mine.send(i));
          }
        });
        eventually([&] { return tx.waiting() == static_cast<std::size_t>(i + 1); });
      }
      slot.reset();
      int sum = 0;
      for (int i = 0; i < 4; ++i) sum += rx.recv().value();
      CHECK(sum == 6);
    });
    CHECK(order == std::vector{10, 12});
    CHECK(tx.waiting() == 0);
  });
}

TEST_CASE("a permit's send goes straight to a receiver that waits, and its slot to the next sender") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto slot = tx.reserve();
    weir::with_scope([&](weir::scope& s) {
      s.spawn("receiver", [rx = rx] {
        EXPECT(rx.recv() == 1);
        EXPECT(rx.recv() == 2);
      });
      eventually([&] { return rx.waiting() == 1; });
      CHECK(slot.send(1));
      CHECK(tx.send(2));
    });
    CHECK(rx.length() == 0);
    CHECK(tx.try_send(3) == send_status::ok);
    CHECK(tx.try_send(4) == send_status::full);
  });
}

TEST_CASE("a receiver takes from a sender that waits behind a permit, not from a reserve that has no value yet") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto slot = tx.reserve();
    weir::with_scope([&](weir::scope& s) {
      s.spawn("reserver", [tx = tx] { EXPECT(tx.reserve().send(2)); });
      eventually([&] { return tx.waiting() == 1; });
      s.spawn("sender", [tx = tx] { EXPECT(tx.send(1)); });
      eventually([&] { return tx.waiting() == 2; });
      CHECK(rx.recv() == 1);
      slot.reset();
      CHECK(rx.recv() == 2);
    });
  });
}

TEST_CASE("a permit keeps the channel open, and after a close its send is false and keeps the value") {
  in_actor([] {
    auto [tx, rx] = weir::channel<value>(1);
    auto slot = tx.reserve();
    tx.reset();
    CHECK(rx.try_recv().status() == weir::recv_status::empty);
    rx.close();
    auto kept = std::make_unique<int>(1);
    CHECK_FALSE(slot.send(std::move(kept)));
    CHECK(kept);
    CHECK_FALSE(slot);
    auto [tx2, rx2] = weir::channel<value>(1);
    rx2.reset();
    CHECK(tx2.reserve().status() == send_status::closed);
    CHECK(tx2.try_reserve().status() == send_status::closed);
  });
}

TEST_CASE("close wakes every parked reserve") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    tx.send(1);
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 5; ++i)
        s.spawn("reserver", [tx = tx] { EXPECT(tx.reserve().status() == send_status::closed); });
      eventually([&] { return tx.waiting() == 5; });
      rx.close();
    });
  });
}

TEST_CASE("a cancelled reserve takes no slot") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    tx.send(1);
    auto a = weir::spawn("reserver", [tx = tx] { auto slot = tx.reserve(); });
    eventually([&] { return tx.waiting() == 1; });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(tx.waiting() == 0);
    CHECK(rx.recv() == 1);
    CHECK(tx.try_send(2) == send_status::ok);
  });
}

TEST_CASE("what has no slots cannot be reserved, and an empty permit cannot send") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    CHECK_THROWS_WITH(tx.reserve(), Catch::Contains("reserve: the channel must have slots to reserve") &&
                                        Catch::Contains("rendezvous"));
    weir::permit<int> none;
    CHECK_THROWS_WITH(none.send(1), Catch::Contains("permit::send: the permit must hold a slot"));
  });
}

TEST_CASE("permits of an unbounded channel are given at once") {
  in_actor([] {
    auto [tx, rx] = weir::unbounded<int>();
    std::vector<weir::permit<int>> slots;
    for (int i = 0; i < 100; ++i) slots.push_back(tx.reserve());
    for (int i = 0; i < 100; ++i) tx.send(i);
    for (int i = 0; i < 100; ++i) CHECK(slots[static_cast<std::size_t>(i)].send(100 + i));
    for (int i = 0; i < 200; ++i) CHECK(rx.recv() == i);
  });
}

TEST_CASE("a select's send waits for the slot of a permit") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto slot = tx.reserve();
    auto selecter = weir::spawn("selecter", [tx = tx] {
      EXPECT(weir::select(weir::on_send(tx, 1, [](bool sent) { return sent; }), weir::after(1h, [] { return false; })));
    });
    eventually([&] { return tx.waiting() == 1; });
    slot.reset();
    selecter.join();
    CHECK(rx.recv() == 1);
  });
}

TEST_CASE("a permit's send does not wait for a shell that is slow to die") {
  static std::atomic<bool> hold{false};
  static std::atomic<int> dying{0};
  struct slow {
    bool is_slow;
    int moves = 0;
    bool moved_from = false;
    explicit slow(bool s) : is_slow(s) {}
    slow(slow&& o) noexcept : is_slow(o.is_slow), moves(o.moves + 1) { o.moved_from = true; }
    ~slow() {
      if (!is_slow || !moved_from || moves != 1) return;  // only a shell in the buffer
      ++dying;
      eventually([] { return !hold.load(); });
    }
  };
  in_actor([] {
    auto [tx, rx] = weir::channel<slow>(2);
    weir::with_scope([&](weir::scope& s) {
      tx.send(slow(false));
      rx.recv();
      hold = true;
      dying = 0;
      // Six cells: one is free, and in all others dies a shell.
      for (int i = 1; i < 6; ++i) {
        tx.send(slow(true));
        s.spawn("receiver", [rx = rx] { EXPECT(rx.recv().has_value()); });
        eventually([i] { return dying == i; });
      }
      auto one = tx.try_reserve();
      auto two = tx.try_reserve();
      REQUIRE(one);
      REQUIRE(two);
      CHECK(one.send(slow(false)));
      CHECK(two.send(slow(false)));
      CHECK(hold);
      CHECK(rx.length() == 2);
      hold = false;
    });
  });
}

TEMPLATE_TEST_CASE("permits lose, double and leak nothing", "", small_payload, aligned_payload, page_payload,
                   talkative_payload) {
  const int capacity = GENERATE(1, 5);
  in_actor([capacity] {
    conserve(weir::channel<TestType>(capacity), 300, send_by_permit{}, receive_each{});
    conserve(weir::unbounded<TestType>(), 300, send_by_permit{}, receive_each{});
  });
}

TEST_CASE("close against permits: what went is received") {
  in_actor([] { close_against_operations<permit_operations>([](int i) { return weir::channel<value>(1 + i % 3); }); });
}

TEST_CASE("timeout against permits: what went is received, and no slot is lost") {
  in_actor([] {
    const auto [tx, rx] = weir::channel<value>(2);
    counter sent{0}, got{0};
    weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
      s.spawn("consumer", [&] {
        while (permit_operations::receive(rx, 3us, got)) {
        }
      });
      weir::with_scope([&](weir::scope& producers) {
        for (int p = 0; p < 3; ++p)
          producers.spawn("producer", [&] {
            for (int i = 0; i < rounds(10'000); ++i) {
              permit_operations::send(tx, 2us, sent);
              if (i % 5 == 0) auto unused = tx.reserve(1us);
            }
          });
      });
      eventually([&] { return got == sent; });
      {
        const auto one = tx.try_reserve();
        const auto two = tx.try_reserve();
        CHECK(one);
        CHECK(two);
        CHECK_FALSE(tx.try_reserve());
      }
      tx.close();
    });
    CHECK(sent == got);
  });
}

TEST_CASE("cancel against permits: what went is received") {
  in_actor([] { cancel_against_operations<permit_operations>(weir::channel<value>(1)); });
}

TEST_CASE("permits between plain threads") {
  auto [tx, rx] = weir::channel<int>(1);
  const int n = rounds(2000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([tx = tx, n] {
      for (int i = 0; i < n; ++i) {
        auto slot = tx.reserve();
        if (i % 4) slot.send(1);
      }
    });
  tx.reset();
  long sum = 0;
  for (int& v : rx) sum += v;
  for (auto& t : threads) t.join();
  CHECK(sum == 2L * (n - (n + 3) / 4));
}
