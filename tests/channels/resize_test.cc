// resize(): another capacity, while the channel is in use.
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

// While it lives, an actor changes the capacity all the time.
template <class P>
class restless {
 public:
  explicit restless(const weir::sender<P>& tx)
      : actor_(weir::spawn("resizer", [this, tx] {
          for (int i = 0; !stop_; ++i) {
            tx.resize(1 + i * 7 % 23 * (1 + i % 5));
            weir::this_actor::yield();
          }
        })) {}
  ~restless() {
    stop_ = true;
    actor_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  weir::actor<void> actor_;
};

}  // namespace

TEST_CASE("more capacity lets waiting senders in, in order") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    weir::with_scope([&](weir::scope& s) {
      tx.send(0);
      for (int i = 1; i < 6; ++i) {
        s.spawn("sender", [tx = tx, i] { EXPECT(tx.send(i)); });
        eventually([&] { return tx.waiting() == static_cast<std::size_t>(i); });
      }
      rx.resize(4);
      CHECK(tx.capacity() == 4);
      CHECK(tx.length() == 4);
      CHECK(tx.waiting() == 2);
      for (int i = 0; i < 6; ++i) CHECK(rx.recv() == i);
    });
  });
}

TEST_CASE("less capacity than values keeps them, and lets nothing in before there is room again") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    for (int i = 0; i < 4; ++i) tx.send(i);
    tx.resize(2);
    CHECK(tx.length() == 4);
    CHECK(tx.try_send(9) == send_status::full);
    CHECK(rx.recv() == 0);
    CHECK(rx.recv() == 1);
    CHECK(tx.try_send(9) == send_status::full);
    CHECK(rx.recv() == 2);
    CHECK(tx.try_send(4) == send_status::ok);
    CHECK(tx.try_send(9) == send_status::full);
    CHECK(rx.recv() == 3);
    CHECK(rx.recv() == 4);
  });
}

TEST_CASE("a sender that waits while the capacity shrinks gets its turn when there is room") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(3);
    for (int i = 0; i < 3; ++i) tx.send(i);
    weir::with_scope([&](weir::scope& s) {
      s.spawn("sender", [tx = tx] { EXPECT(tx.send(3)); });
      eventually([&] { return tx.waiting() == 1; });
      tx.resize(1);
      CHECK(rx.recv() == 0);
      CHECK(rx.recv() == 1);
      CHECK(tx.waiting() == 1);
      CHECK(rx.recv() == 2);
      CHECK(rx.recv() == 3);
    });
  });
}

TEST_CASE("more capacity gives waiting reserves their slots, and permits outlive a smaller one") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto slot = tx.reserve();
    auto waiter = weir::spawn("reserver", [tx = tx] { return tx.reserve(); });
    eventually([&] { return tx.waiting() == 1; });
    tx.resize(2);
    auto second = waiter.join();
    REQUIRE(second);
    tx.resize(1);
    CHECK_FALSE(tx.try_reserve());
    CHECK(second.send(1));
    CHECK(slot.send(2));
    CHECK(tx.length() == 2);
    CHECK(tx.try_send(3) == send_status::full);
    CHECK(rx.recv() == 1);
    CHECK(tx.try_send(3) == send_status::full);
    CHECK(rx.recv() == 2);
    CHECK(tx.try_send(3) == send_status::ok);
  });
}

TEST_CASE("a select that waits to send goes on when the capacity grows") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    tx.send(1);
    auto selecter = weir::spawn("selecter", [tx = tx] {
      EXPECT(weir::select(weir::on_send(tx, 2, [](bool sent) { return sent; }), weir::after(1h, [] { return false; })));
    });
    eventually([&] { return tx.waiting() == 1; });
    rx.resize(2);
    selecter.join();
    CHECK(rx.length() == 2);
  });
}

TEST_CASE("what a channel is, it stays: no resize of a rendezvous or an unbounded one, nor to nothing") {
  in_actor([] {
    auto a = weir::channel<int>(0);
    CHECK_THROWS_WITH(a.tx.resize(4), Catch::Contains("resize: the channel must have a buffer with a bound") &&
                                          Catch::Contains("rendezvous"));
    auto b = weir::unbounded<int>();
    CHECK_THROWS_WITH(b.rx.resize(4), Catch::Contains("unbounded"));
    auto c = weir::channel<int>(3);
    CHECK_THROWS_WITH(c.tx.resize(0), Catch::Contains("resize: capacity must be 1..16777216, got 0"));
    CHECK_THROWS_AS(c.tx.resize(-1), weir::misuse);
    c.tx.close();
    c.tx.resize(100);
    CHECK_FALSE(c.tx.send(1));
  });
}

TEMPLATE_TEST_CASE("resizing all the time loses, doubles and leaks nothing", "", small_payload, aligned_payload,
                   page_payload, talkative_payload) {
  in_actor([] {
    auto ends = weir::channel<TestType>(1);
    {
      const auto tx = ends.tx;
      const restless<TestType> resizer(tx);
      conserve(std::move(ends), 500, send_each{}, receive_each{});
    }
  });
}

TEST_CASE("what is left in a resized channel dies with it") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      auto [tx, rx] = weir::channel<page_payload>(3);
      for (int k = 0; k < 3; ++k) tx.send(page_payload(k));
      auto resizer = weir::spawn("resizer", [tx = tx] {
        for (int n : {10, 2, 30, 1, 70}) tx.resize(n);
      });
      if (i % 2) rx.recv();
      rx.reset();
      resizer.join();
    }
  });
  CHECK(page_payload::alive == 0);
}

TEST_CASE("close against operations on a channel that is resized: what went is received") {
  in_actor([] {
    close_against_operations<plain_operations>([](int i) {
      auto ends = weir::channel<value>(1 + i % 3);
      ends.tx.resize(1 + i % 11);
      return ends;
    });
  });
}

TEST_CASE("timeout and cancel against operations while the capacity changes: what went is received") {
  in_actor([] {
    auto a = weir::channel<value>(2);
    {
      // close() ends the channel for the consumers, as the resizer holds a sender.
      const auto tx = a.tx;
      const restless<value> resizer(tx);
      counter sent{0}, got{0};
      weir::with_scope([&](weir::scope& s) {
        for (int c = 0; c < 2; ++c)
          s.spawn("consumer", [&got, rx = a.rx] {
            while (plain_operations::receive(rx, 3us, got)) {
            }
          });
        weir::with_scope([&](weir::scope& producers) {
          for (int p = 0; p < 2; ++p)
            producers.spawn("producer", [&] {
              for (int i = 0; i < rounds(10'000); ++i) plain_operations::send(tx, 2us, sent);
            });
        });
        for (int i = 0; i < rounds(1000); ++i) {
          auto victim = weir::spawn("victim", [&] {
            for (;;) plain_operations::send(tx, weir::deadline::never(), sent);
          });
          for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
          victim.cancel();
          victim.wait();
        }
        tx.close();
      });
      CHECK(sent == got);
    }
  });
}
