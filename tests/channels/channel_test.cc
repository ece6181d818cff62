#include "weir/channels/channel.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::recv_status;
using weir::send_status;

namespace {

// Counts live objects, so that a lost or doubled value shows.
struct counted {
  static inline std::atomic<int> alive{0};
  int value = -1;
  explicit counted(int v) : value(v) { ++alive; }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  counted& operator=(counted&&) = delete;
  ~counted() { --alive; }
};

}  // namespace

TEST_CASE("values come out in the order they went in, at every capacity") {
  const int capacity = GENERATE(0, 1, 3, 1000);
  in_actor([capacity] {
    auto [tx, rx] = weir::channel<int>(capacity);
    auto producer = weir::spawn("producer", [tx = std::move(tx)] {
      for (int i = 0; i < 2000; ++i) EXPECT(tx.send(i));
    });
    int expected = 0;
    for (int& v : rx) CHECK(v == expected++);
    CHECK(expected == 2000);
    producer.join();
  });
}

TEST_CASE("recv on a closed, drained channel is empty, and what was buffered comes first") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    tx.send(1);
    tx.send(2);
    tx.close();
    CHECK(rx.recv() == 1);
    CHECK(rx.recv() == 2);
    CHECK_FALSE(rx.recv().has_value());
    CHECK(rx.try_recv().status() == recv_status::closed);
  });
}

TEST_CASE("a send after close is false and leaves the value with the caller") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(1);
    rx.close();
    auto value = std::make_unique<int>(7);
    CHECK_FALSE(tx.send(std::move(value)));
    REQUIRE(value);
    CHECK(tx.try_send(std::move(value)) == send_status::closed);
    CHECK(tx.send(std::move(value), 1ms) == send_status::closed);
    CHECK(*value == 7);
  });
}

TEST_CASE("a try on a full channel says full, one on an empty channel empty") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    CHECK(rx.try_recv().status() == recv_status::empty);
    CHECK(tx.try_send(1) == send_status::ok);
    CHECK(tx.try_send(2) == send_status::full);
    auto r = rx.try_recv();
    REQUIRE(r);
    CHECK(*r == 1);
  });
}

TEST_CASE("a rendezvous never buffers: try_send succeeds only while a receiver waits") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    CHECK(tx.try_send(1) == send_status::full);
    std::optional<int> got;
    auto receiver = weir::spawn("receiver", [&got, rx = rx] { got = rx.recv(); });
    eventually([&] { return rx.waiting() == 1; });
    CHECK(tx.try_send(2) == send_status::ok);
    receiver.join();
    CHECK(got == 2);
  });
}

TEST_CASE("a deadline ends a wait with timeout, not early, and keeps the value") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(1);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(rx.recv(20ms).status() == recv_status::timeout);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    REQUIRE(tx.send(std::make_unique<int>(1)));
    auto kept = std::make_unique<int>(2);
    CHECK(tx.send(std::move(kept), 5ms) == send_status::timeout);
    REQUIRE(kept);
    CHECK(tx.waiting() == 0);
  });
}

TEST_CASE("with a ready peer an expired deadline still succeeds") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    const weir::deadline past(std::chrono::steady_clock::now() - 1s);
    CHECK(tx.send(1, past) == send_status::ok);
    CHECK(tx.send(2, past) == send_status::timeout);
    CHECK(*rx.recv(past) == 1);
    CHECK(rx.recv(past).status() == recv_status::timeout);
  });
}

TEST_CASE("a result that is const can be looked into") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::string>(2);
    REQUIRE(tx.send("abc"));
    const auto got = rx.try_recv();
    REQUIRE(got);
    CHECK(*got == "abc");
    CHECK(got->size() == 3);
    STATIC_REQUIRE(std::is_same_v<decltype(*got), const std::string&>);
    STATIC_REQUIRE(std::is_same_v<decltype(*rx.try_recv()), std::string&&>);
  });
}

TEST_CASE("the last sender to go closes; copies count") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto copy = tx;
    tx.reset();
    CHECK(copy.send(1));
    copy = {};
    CHECK(rx.recv() == 1);
    CHECK_FALSE(rx.recv().has_value());
  });
}

TEST_CASE("when the last receiver goes, buffered values are destroyed at once, in order") {
  static std::vector<int> order;
  order.clear();
  struct witness {
    int value;
    explicit witness(int v) : value(v) {}
    witness(witness&& o) noexcept : value(std::exchange(o.value, -1)) {}
    ~witness() {
      if (value >= 0) order.push_back(value);
    }
  };
  in_actor([] {
    auto [tx, rx] = weir::channel<witness>(4);
    for (int i = 0; i < 3; ++i) tx.send(witness(i));
    rx.reset();
    CHECK(order == std::vector{0, 1, 2});
    CHECK_FALSE(tx.send(witness(9)));
  });
}

TEST_CASE("close wakes every parked sender with false and its value kept") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(0);
    std::atomic<int> kept{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 5; ++i)
        s.spawn("sender", [&kept, tx = tx, i] {
          auto value = std::make_unique<int>(i);
          EXPECT(!tx.send(std::move(value)));
          if (value) ++kept;
        });
      eventually([&] { return tx.waiting() == 5; });
      rx.close();
    });
    CHECK(kept == 5);
  });
}

TEST_CASE("close wakes every parked receiver with nothing") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(8);
    std::atomic<int> empty{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 5; ++i) s.spawn("receiver", [&empty, rx = rx] { empty += !rx.recv().has_value(); });
      eventually([&] { return rx.waiting() == 5; });
      tx.close();
    });
    CHECK(empty == 5);
  });
}

TEST_CASE("waiters are served first come, first served") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::vector<int> order;
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 4; ++i) {
        s.spawn("sender", [tx = tx, i] { tx.send(i); });
        eventually([&] { return tx.waiting() == static_cast<std::size_t>(i + 1); });
      }
      for (int i = 0; i < 4; ++i) order.push_back(rx.recv().value());
    });
    CHECK(order == std::vector{0, 1, 2, 3});
  });
}

TEST_CASE("length, capacity and waiting tell what is there") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(3);
    CHECK(tx.capacity() == 3);
    CHECK(rx.length() == 0);
    tx.send(1);
    CHECK(tx.length() == 1);
    CHECK(tx.waiting() == 0);
    CHECK(rx.waiting() == 0);
  });
}

TEST_CASE("values are neither lost nor doubled nor leaked, with every kind of payload") {
  counted::alive = 0;
  for (int capacity : {0, 1, 5})
    in_actor([capacity] {
      auto [tx, rx] = weir::channel<counted>(capacity);
      std::atomic<long> sum{0};
      weir::with_scope([&, tx = std::move(tx), rx = std::move(rx)](weir::scope& s) mutable {
        for (int p = 0; p < 4; ++p)
          s.spawn("producer", [tx] {
            for (int i = 1; i <= 500; ++i) EXPECT(tx.send(counted(i)));
          });
        for (int c = 0; c < 3; ++c)
          s.spawn("consumer", [&sum, rx] {
            for (counted& v : rx) sum += v.value;
          });
        tx.reset();
        rx.reset();
      });
      CHECK(sum == 4L * 500 * 501 / 2);
    });
  CHECK(counted::alive == 0);
}

TEST_CASE("payloads may be empty, huge, over-aligned and move-only") {
  struct nothing {};
  struct alignas(128) aligned {
    int value;
  };
  struct huge {
    std::array<char, 4096> bytes;
  };
  in_actor([] {
    auto e = weir::channel<nothing>(2);
    e.tx.send({});
    CHECK(e.rx.recv().has_value());
    auto a = weir::channel<aligned>(2);
    a.tx.send(aligned{5});
    const auto got = a.rx.recv();
    CHECK(reinterpret_cast<std::uintptr_t>(&*got) % 128 == 0);
    CHECK(got->value == 5);
    auto h = weir::channel<std::unique_ptr<huge>>(2);
    h.tx.send(std::make_unique<huge>());
    CHECK(h.rx.recv().value());
    auto inline_huge = weir::channel<huge>(1);
    huge big{};
    big.bytes[4095] = 'x';
    inline_huge.tx.send(big);
    CHECK(inline_huge.rx.recv()->bytes[4095] == 'x');
  });
}

TEST_CASE("a channel may travel through a channel") {
  in_actor([] {
    auto [tx, rx] = weir::channel<weir::sender<int>>(1);
    auto answer = weir::channel<int>(0);
    auto server = weir::spawn("server", [rx = std::move(rx)] {
      for (auto& reply : rx) reply.send(42);
    });
    tx.send(answer.tx);
    CHECK(answer.rx.recv() == 42);
    tx.reset();
    server.join();
  });
}

TEST_CASE("the destructor of a payload may send on the same channel, moved-from shells included") {
  struct chatty {
    weir::sender<int>* out;
    std::string text = "long enough to live outside the object itself";
    explicit chatty(weir::sender<int>* o) : out(o) {}
    chatty(chatty&& o) noexcept : out(o.out), text(std::move(o.text)) {}
    ~chatty() { out->try_send(static_cast<int>(text.size())); }  // shells send too, with size 0
  };
  in_actor([] {
    auto log = weir::channel<int>(1000);
    {
      auto [tx, rx] = weir::channel<chatty>(1);
      for (int i = 0; i < 20; ++i) {
        tx.send(chatty(&log.tx));
        CHECK(rx.recv().has_value());
      }
      tx.send(chatty(&log.tx));
    }
    int full = 0;
    while (auto n = log.rx.try_recv()) full += *n > 0;
    CHECK(full == 21);
  });
}

TEST_CASE("a shell that is slow to die turns a sender away only for that long") {
  // The receiver's moved-from shell waits in its destructor until the sender has had its chance.
  static std::atomic<bool> hold{false};
  struct slow {
    int value;
    explicit slow(int v) : value(v) {}
    slow(slow&& o) noexcept : value(std::exchange(o.value, -1)) {}
    ~slow() {
      if (value == -1) eventually([] { return !hold.load(); });
    }
  };
  in_actor([] {
    auto [tx, rx] = weir::channel<slow>(1);
    int sum = 0;
    auto sender = weir::spawn("sender", [tx = std::move(tx)] {
      for (int i = 1; i <= 50; ++i) EXPECT(tx.send(slow(i)));
    });
    auto receivers = weir::channel<int>(100);
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 6; ++i)
        s.spawn("receiver", [&, rx = rx] {
          for (slow& v : rx) receivers.tx.send(v.value);
        });
      for (int i = 0; i < 20; ++i) {
        hold = true;
        for (int k = 0; k < 50; ++k) weir::this_actor::yield();
        hold = false;
        weir::this_actor::yield();
      }
    });
    sender.join();
    receivers.tx.close();
    for (int& v : receivers.rx) sum += v;
    CHECK(sum == 50 * 51 / 2);
  });
}

TEST_CASE("a channel works between plain threads, and between a thread and actors") {
  auto [tx, rx] = weir::channel<int>(2);
  auto back = weir::channel<int>(0);
  std::thread consumer([&, rx = rx] {
    for (int& v : rx) back.tx.send(v * 2);
    back.tx.close();
  });
  weir::run({.workers = testing::workers()}, [&, tx = std::move(tx)]() mutable {
    auto producer = weir::spawn("producer", [tx = std::move(tx)] {
      for (int i = 1; i <= 100; ++i) tx.send(i);
    });
    int sum = 0;
    for (int& v : back.rx) sum += v;
    CHECK(sum == 2 * 5050);
    producer.join();
  });
  consumer.join();
}

TEST_CASE("a plain thread's deadline ends its wait") {
  auto [tx, rx] = weir::channel<int>(1);
  CHECK(rx.recv(5ms).status() == recv_status::timeout);
  CHECK(tx.send(1, 5ms) == send_status::ok);
  CHECK(tx.send(2, 5ms) == send_status::timeout);
  CHECK(rx.recv() == 1);
}

TEST_CASE("a cancel while parked in send keeps the value; the cancel arrives as an exception") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(0);
    bool kept = false;
    auto a = weir::spawn("sender", [&kept, tx = tx] {
      auto value = std::make_unique<int>(1);
      try {
        tx.send(std::move(value));
      } catch (const weir::cancelled&) {
        kept = value != nullptr;
        throw;
      }
    });
    eventually([&] { return tx.waiting() == 1; });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(kept);
    CHECK(tx.waiting() == 0);
  });
}

TEST_CASE("in a cancelled scope an operation that would report closed throws cancelled instead") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    bool truncated = false;
    weir::with_scope([&, tx = std::move(tx), rx = std::move(rx)](weir::scope& s) mutable {
      s.spawn("producer", [tx = std::move(tx)] {
        tx.send(1);
        weir::this_actor::sleep(weir::deadline::never());  // dies of the cancel, and its sender closes the channel
      });
      auto consumer = s.spawn("consumer", [&truncated, rx = std::move(rx)] {
        while (rx.recv()) {
        }
        truncated = true;  // would commit a stream that the producer never finished
      });
      eventually([&] { return consumer.id() != 0; });
      s.cancel();
    });
    CHECK_FALSE(truncated);
  });
}

TEST_CASE("in a cancelled scope the try calls report what they see, and a completed hand-over goes before the cancel") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(2);
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      CHECK(tx.try_send(1) == send_status::ok);
      CHECK(tx.send(2));  // there is room, so nothing parks
      CHECK(tx.try_send(3) == send_status::full);
      CHECK(rx.recv() == 1);
      CHECK(*rx.try_recv() == 2);
      rx.close();
      CHECK(rx.try_recv().status() == recv_status::closed);
      CHECK(tx.try_send(4) == send_status::closed);
      CHECK_THROWS_AS(tx.send(5), weir::cancelled);
      CHECK_THROWS_AS(rx.recv(), weir::cancelled);
    });
  });
}

TEST_CASE("a capacity out of range is refused with rule, value, place and remedy") {
  try {
    (void)weir::channel<int>(-1, "jobs");
    FAIL("not refused");
  } catch (const weir::misuse& e) {
    CHECK_THAT(e.what(),
               Catch::Contains("capacity must be 0..16777216, got -1 for channel \"jobs\" (channel_test.cc:"));
  }
  CHECK_THROWS_AS(weir::channel<int>(16777217), weir::misuse);
}

TEST_CASE("using a moved-from handle is misuse") {
  auto [tx, rx] = weir::channel<int>(1);
  auto other = std::move(tx);
  CHECK_THROWS_WITH(
      tx.send(1),
      Catch::Contains(
          "send: the handle must refer to a channel, got one that was moved from or reset (channel_test.cc:"));
  auto elsewhere = std::move(rx);
  CHECK_THROWS_AS(rx.recv(), weir::misuse);
  CHECK(other.send(2));
}

TEST_CASE("a receiver that leaves to others goes, but for the last one") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto other = rx;
    CHECK(tx.send(1));
    CHECK(rx.leave_to_others());
    CHECK_FALSE(rx);
    CHECK_FALSE(other.leave_to_others());
    CHECK(other.recv() == 1);
    other.reset();
    CHECK_FALSE(tx.send(2));
    CHECK_THROWS_AS(rx.leave_to_others(), weir::misuse);
    for (int i = 0; i < rounds(1000); ++i) {  // of several at once one stays
      auto [to, from] = weir::channel<int>(4);
      CHECK(to.send(i));
      std::atomic<int> stayed{0};
      weir::with_scope([&, from = std::move(from)](weir::scope& s) mutable {
        for (int k = 0; k < 3; ++k)
          s.spawn([&stayed, from = from]() mutable {
            if (from.leave_to_others()) return;
            ++stayed;
            EXPECT(from.try_recv().status() == weir::recv_status::ok);
          });
        if (!from.leave_to_others()) ++stayed;
      });
      CHECK(stayed == 1);
    }
  });
}
