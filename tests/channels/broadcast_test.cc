#include "weir/channels/broadcast.h"

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::send_status;
using status = weir::broadcast_status;

namespace {

const auto long_past = weir::deadline(std::chrono::steady_clock::now() - 1s);

// Counts live objects and copies.
struct counted {
  static inline std::atomic<int> alive{0};
  static inline std::atomic<int> copies{0};
  int value;
  explicit counted(int v) : value(v) { ++alive; }
  counted(const counted& other) : value(other.value) { ++alive, ++copies; }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  counted& operator=(counted) = delete;
  ~counted() { --alive; }
};

}  // namespace

TEST_CASE("a broadcast's result that is const can be looked into") {
  const weir::broadcast_result<std::string> got(weir::broadcast_status::ok, 0, "abc");
  CHECK(*got == "abc");
  CHECK(got->size() == 3);
}

TEST_CASE("each receiver sees every value that is sent after it subscribed") {
  in_actor([] {
    auto [tx, first] = weir::broadcast<int>(8);
    CHECK(tx.send(1) == 1);
    auto second = tx.subscribe();
    CHECK(tx.send(2) == 2);
    auto third = first.subscribe();
    CHECK(tx.send(3) == 3);
    tx.reset();
    const auto all = [](auto& rx) {
      std::vector<int> got;
      for (int& v : rx) got.push_back(v);
      return got;
    };
    CHECK(all(first) == std::vector{1, 2, 3});
    CHECK(all(second) == std::vector{2, 3});
    CHECK(all(third) == std::vector{3});
    CHECK(first.recv().status() == status::closed);
  });
}

TEST_CASE("a receiver that lags learns exactly how many it missed, once, and goes on with the oldest kept") {
  const int capacity = GENERATE(1, 2, 7);
  in_actor([capacity] {
    auto [tx, rx] = weir::broadcast<int>(capacity);
    auto quick = tx.subscribe();
    for (int i = 0; i < 20; ++i) {
      tx.send(i);
      CHECK(*quick.recv() == i);
    }
    CHECK(rx.length() == static_cast<std::size_t>(capacity));
    auto lag = rx.recv();
    CHECK(lag.status() == status::lagged);
    CHECK_FALSE(lag);
    CHECK(lag.missed() == static_cast<std::uint64_t>(20 - capacity));
    for (int i = 20 - capacity; i < 20; ++i) {
      auto r = rx.recv();
      CHECK(r.status() == status::ok);
      CHECK(r.missed() == 0);
      CHECK(*r == i);
    }
    CHECK(rx.try_recv().status() == status::empty);
    CHECK(rx.missed() == static_cast<std::uint64_t>(20 - capacity));
    CHECK(quick.missed() == 0);
  });
}

TEST_CASE("without receivers a send reaches nobody and leaves the value with the caller") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<std::shared_ptr<int>>(2);
    rx.reset();
    auto value = std::make_shared<int>(1);
    CHECK(tx.send(std::move(value)) == 0);
    CHECK(tx.try_send(std::move(value)) == send_status::closed);
    REQUIRE(value);
    auto late = tx.subscribe();  // not closed: one may come later
    CHECK(tx.send(std::move(value)) == 1);
    CHECK_FALSE(value);
    tx.close();
    tx.close();
    auto more = std::make_shared<int>(2);
    CHECK(tx.send(std::move(more)) == 0);
    REQUIRE(more);
    CHECK(**late.recv() == 1);
    CHECK(late.recv().status() == status::closed);
    CHECK(tx.subscribe().recv().status() == status::closed);
  });
}

TEST_CASE("the last sender to go closes; receivers drain first, what they missed included") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(2);
    auto second = tx;
    tx.reset();
    for (int i = 0; i < 5; ++i) second.send(i);
    second.reset();
    CHECK(rx.recv().missed() == 3);
    CHECK(*rx.recv() == 3);
    CHECK(*rx.recv() == 4);
    CHECK(rx.recv().status() == status::closed);
    CHECK(rx.try_recv().status() == status::closed);
    CHECK(rx.recv(1h).status() == status::closed);
  });
}

TEST_CASE("a send wakes everybody who waits, and so does the end of the last sender") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(2);
    std::atomic<int> sum{0}, ends{0};
    const int crowd = 100;  // more than are served in one hold of the lock
    weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
      for (int i = 0; i < crowd; ++i)
        s.spawn("listener", [&sum, &ends, rx = tx.subscribe()] {
          sum += *rx.recv();
          ends += rx.recv().status() == status::closed;
        });
      eventually([&] { return rx.waiting() == crowd; });
      CHECK(tx.send(3) == crowd + 1);
      eventually([&] { return rx.waiting() == crowd; });
      tx.reset();
    });
    CHECK(sum == 3 * crowd);
    CHECK(ends == crowd);
  });
}

TEST_CASE("several that wait on one handle share its values") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(4);
    auto other = tx.subscribe();
    std::atomic<int> sum{0}, ends{0}, others{0};
    weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
      for (int i = 0; i < 3; ++i)
        s.spawn("sharer", [&] {
          for (int& v : rx) sum += v;
          ++ends;
        });
      eventually([&] { return rx.waiting() == 3; });
      s.spawn("other", [&] {
        for (int& v : other) others += v;
      });
      eventually([&] { return rx.waiting() == 4; });
      for (int i = 1; i <= 50; ++i) {
        tx.send(i);
        eventually([&] { return rx.length() == 0 && other.length() == 0; });
      }
      tx.close();
    });
    CHECK(sum == 50 * 51 / 2);
    CHECK(others == 50 * 51 / 2);
    CHECK(ends == 3);
  });
}

TEST_CASE("the last receiver to come to a value gets the value itself, the others copies") {
  counted::alive = 0, counted::copies = 0;
  in_actor([] {
    auto [tx, a] = weir::broadcast<counted>(4);
    auto b = tx.subscribe();
    auto c = tx.subscribe();
    tx.send(counted(5));
    CHECK(counted::alive == 1);
    CHECK(tx.length() == 1);
    CHECK(a.recv()->value == 5);
    CHECK(b.recv()->value == 5);
    CHECK(counted::copies == 2);
    CHECK(c.recv()->value == 5);
    CHECK(counted::copies == 2);
    CHECK(counted::alive == 0);
    CHECK(tx.length() == 0);
  });
}

TEST_CASE("a receiver that goes lets the values go that only it had not seen") {
  counted::alive = 0;
  in_actor([] {
    auto [tx, slow] = weir::broadcast<counted>(100);
    auto quick = tx.subscribe();
    for (int i = 0; i < 90; ++i) {
      tx.send(counted(i));
      if (i < 80) (void)quick.recv();
    }
    CHECK(counted::alive == 90);
    slow.reset();
    CHECK(counted::alive == 10);
    CHECK(tx.length() == 10);
    CHECK(tx.receivers() == 1);
    quick.reset();
    CHECK(counted::alive == 0);
  });
}

TEST_CASE("a receive whose copy throws has passed that value") {
  struct fragile {
    int value;
    explicit fragile(int v) : value(v) {}
    fragile(const fragile& o) : value(o.value) {
      if (value == 1) throw std::runtime_error("no copy");
    }
    fragile(fragile&&) noexcept = default;
    fragile& operator=(fragile) = delete;
  };
  in_actor([] {
    auto [tx, rx] = weir::broadcast<fragile>(4);
    auto other = tx.subscribe();
    tx.send(fragile(1));
    tx.send(fragile(2));
    CHECK_THROWS_AS(rx.recv(), std::runtime_error);
    CHECK(rx.recv()->value == 2);
    CHECK(other.recv()->value == 1);  // the last one needs no copy
  });
}

TEST_CASE("a broadcast's deadline ends a wait with timeout, not early, and the try comes before the clock") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(2);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(rx.recv(20ms).status() == status::timeout);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    CHECK(rx.waiting() == 0);
    CHECK(rx.recv(long_past).status() == status::timeout);
    CHECK(tx.send(1, long_past) == send_status::ok);
    CHECK(*rx.recv(long_past) == 1);
  });
}

TEST_CASE("a blocking send waits for the slowest receiver and nobody misses anything") {
  in_actor([] {
    auto [tx, slow] = weir::broadcast<int>(2, {.block = true});
    auto quick = tx.subscribe();
    CHECK(tx.send(1) == 2);
    CHECK(tx.send(2) == 2);
    CHECK(tx.try_send(3) == send_status::full);
    CHECK(tx.send(3, 1ms) == send_status::timeout);
    CHECK(tx.send(3, long_past) == send_status::timeout);
    CHECK(*quick.recv() == 1);
    CHECK(*quick.recv() == 2);
    CHECK(tx.try_send(3) == send_status::full);  // the other one has not come to 1 yet
    auto sender = weir::spawn("sender", [tx = tx] { EXPECT(tx.send(3) == 2); });
    auto waiter = weir::spawn("waiter", [&quick] { EXPECT(*quick.recv() == 3); });
    eventually([&tx = tx] { return tx.waiting() == 1; });
    eventually([&quick] { return quick.waiting() == 1; });
    CHECK(*slow.recv() == 1);  // makes room; the quick one gets the value
    sender.join();
    waiter.join();
    CHECK(*slow.recv() == 2);
    CHECK(*slow.recv() == 3);
    CHECK(slow.missed() == 0);
  });
}

TEST_CASE(
    "a blocked sender goes on when the slowest receiver goes, and keeps its value when the last one or all goes") {
  in_actor([] {
    auto [tx, slow] = weir::broadcast<std::shared_ptr<int>>(1, {.block = true});
    auto quick = tx.subscribe();
    const auto blocked = [&tx = tx](std::size_t expected) {
      return [tx = tx, expected] {
        auto value = std::make_shared<int>(2);
        EXPECT(tx.send(std::move(value)) == expected);
        EXPECT((value == nullptr) == (expected > 0));
      };
    };
    CHECK(tx.send(std::make_shared<int>(1)) == 2);
    CHECK(**quick.recv() == 1);
    auto first = weir::spawn("first", blocked(1));
    eventually([&tx = tx] { return tx.waiting() == 1; });
    slow.reset();
    first.join();
    auto second = weir::spawn("second", blocked(0));
    eventually([&tx = tx] { return tx.waiting() == 1; });
    quick.reset();
    second.join();
    CHECK(tx.length() == 0);
    auto rx = tx.subscribe();
    CHECK(tx.send(std::make_shared<int>(3)) == 1);
    auto third = weir::spawn("third", blocked(0));
    eventually([&tx = tx] { return tx.waiting() == 1; });
    tx.close();
    third.join();
    CHECK(**rx.recv() == 3);
    CHECK(rx.recv().status() == status::closed);
  });
}

TEST_CASE("in a cancelled scope a broadcast that would report closed throws cancelled; a value goes before it") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      auto [tx, rx] = weir::broadcast<int>(2);
      s.cancel();
      CHECK(tx.send(1) == 1);
      CHECK(*rx.recv() == 1);
      CHECK_THROWS_AS(rx.recv(), weir::cancelled);
      tx.close();
      CHECK(rx.try_recv().status() == status::closed);
      CHECK_THROWS_AS(rx.recv(), weir::cancelled);
      CHECK_THROWS_AS(weir::select(weir::on_recv(rx, [](auto) {})), weir::cancelled);
      CHECK(tx.try_send(1) == send_status::closed);
      CHECK_THROWS_AS(tx.send(1), weir::cancelled);
    });
  });
}

TEST_CASE("while an actor unwinds from a cancel a broadcast acts as if its peers were gone") {
  in_actor([] {
    struct tries_again {
      weir::broadcast_receiver<int>* rx;
      weir::broadcast_sender<int>* tx;
      int* answers;
      ~tries_again() {
        *answers += rx->recv().status() == status::closed;
        *answers += rx->recv(1h).status() == status::closed;
        *answers += weir::select(weir::on_recv(*rx, [](auto r) { return r.status() == status::closed; }));
        *answers += tx->send(1) == 1;  // there is room: nothing has to wait
        *answers += tx->send(2) == 0;
      }
    };
    auto [tx, rx] = weir::broadcast<int>(1, {.block = true});
    int answers = 0;
    auto victim = weir::spawn("victim", [&rx = rx, &tx = tx, &answers] {
      tries_again last{&rx, &tx, &answers};
      (void)rx.recv();
    });
    eventually([&] { return rx.waiting() == 1; });
    victim.cancel();
    victim.wait();
    CHECK(answers == 5);
  });
}

TEST_CASE("a broadcast carries payloads of every kind") {
  struct nothing {};
  struct alignas(128) aligned {
    int value;
  };
  in_actor([] {
    auto e = weir::broadcast<nothing>(1);
    CHECK(e.tx.send({}) == 1);
    CHECK(e.rx.recv());
    auto a = weir::broadcast<aligned>(3);
    auto second = a.tx.subscribe();
    a.tx.send({5});
    auto copy = a.rx.recv();
    auto moved = second.recv();
    CHECK(reinterpret_cast<std::uintptr_t>(&*copy) % 128 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(&*moved) % 128 == 0);
    CHECK(copy->value + moved->value == 10);
    auto p = weir::broadcast<std::shared_ptr<const std::string>>(1);
    p.tx.send(std::make_shared<const std::string>("big"));
    CHECK(**p.rx.recv() == "big");
  });
}

TEST_CASE("the destructor of a broadcast value may send on the same broadcast") {
  // Would never return if a value were destroyed under the lock.
  struct chatty {
    const weir::broadcast_sender<chatty>* out = nullptr;
    int* sent = nullptr;
    chatty(const weir::broadcast_sender<chatty>* o, int* s) : out(o), sent(s) {}
    chatty(const chatty&) noexcept {}
    chatty(chatty&& o) noexcept : out(std::exchange(o.out, nullptr)), sent(o.sent) {}
    ~chatty() {
      if (out && *out) *sent += static_cast<int>(out->send(chatty(nullptr, nullptr)));
    }
  };
  in_actor([] {
    int sent = 0;
    auto [tx, rx] = weir::broadcast<chatty>(2);
    auto quick = tx.subscribe();
    for (int i = 0; i < 6; ++i) tx.send(chatty(&tx, &sent));  // overwrites
    CHECK(sent > 0);
    const int before = sent;
    quick.reset();
    tx.send(chatty(&tx, &sent));
    while (rx.recv().status() == status::lagged) {
    }
    rx.reset();  // the last to see what is left
    CHECK(sent >= before);
    auto many = weir::broadcast<chatty>(64);  // more than are seen under one hold of the lock
    sent = 0;
    for (int i = 0; i < 40; ++i) many.tx.send(chatty(&many.tx, &sent));
    const auto watching = many.tx.subscribe();
    many.rx.reset();
    CHECK(sent == 40);
  });
}

TEST_CASE("select takes a broadcast's values, what was missed, and its end") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(1);
    auto never = weir::channel<int>(1);
    const auto once = [&, &rx = rx](weir::deadline limit) {
      return weir::select(weir::on_recv(rx,
                                        [](weir::broadcast_result<int> r) -> std::string {
                                          if (r) return std::to_string(*r);
                                          if (r.status() == status::closed) return "closed";
                                          return "missed " + std::to_string(r.missed());
                                        }),
                          weir::on_recv(never.rx, [](auto) -> std::string { return "never"; }),
                          weir::after(limit, []() -> std::string { return "timeout"; }));
    };
    CHECK(once(2ms) == "timeout");
    CHECK(rx.waiting() == 0);
    auto sender = weir::spawn("sender", [&rx = rx, &tx = tx] {
      eventually([&] { return rx.waiting() == 1; });
      tx.send(1);
      eventually([&] { return rx.waiting() == 1; });
      tx.close();
    });
    CHECK(once(1h) == "1");
    CHECK(once(1h) == "closed");
    CHECK(once(1h) == "closed");
    sender.join();
    auto b = weir::broadcast<int>(1);
    auto rest = b.tx.subscribe();
    for (int i = 0; i < 3; ++i) b.tx.send(i);
    const auto look = [&](auto& from) {
      return weir::select(weir::on_recv(from, [](auto r) { return r ? *r : -static_cast<int>(r.missed()); }),
                          weir::otherwise([] { return 100; }));
    };
    CHECK(look(rest) == -2);
    CHECK(look(rest) == 2);
    CHECK(look(rest) == 100);
    CHECK(weir::select(weir::on_recv(b.rx, [](auto) { return 1; }).when(false), weir::otherwise([] { return 2; })) ==
          2);
  });
}

TEST_CASE("what a receiver got and what it missed add up to what was sent, in order, under every kind of receive") {
  // Two senders; each value says whose it is and the how manieth.
  struct item {
    int sender;
    int number;
  };
  counted::alive = 0;
  const int capacity = GENERATE(1, 4, 64);
  in_actor([capacity] {
    auto [tx, rx] = weir::broadcast<item>(capacity);
    const int n = rounds(10'000);
    std::atomic<long> reached{0};
    std::atomic<long> got{0}, missed{0};
    const int receivers = 4;
    weir::with_scope([&, tx = std::move(tx), rx = std::move(rx)](weir::scope& s) mutable {
      for (int k = 0; k < receivers; ++k)
        s.spawn("receiver", [&got, &missed, k, rx = tx.subscribe()] {
          long mine = 0, lost = 0;
          int last[2] = {0, 0};
          const auto take = [&](weir::broadcast_result<item> r) {
            EXPECT((r.missed() > 0) == (r.status() == status::lagged));
            EXPECT(static_cast<bool>(r) == (r.status() == status::ok));
            lost += static_cast<long>(r.missed());
            if (r) {
              EXPECT(r->number > last[r->sender]);
              last[r->sender] = r->number;
              ++mine;
            }
            return r.status() != status::closed;
          };
          std::minstd_rand random(static_cast<unsigned>(k + 1));
          for (bool more = true; more;) {
            const auto how = random() % 4;
            if (how == 0) more = take(rx.recv());
            if (how == 1) more = take(rx.recv(std::chrono::microseconds(random() % 5)));
            if (how == 2) more = weir::select(weir::on_recv(rx, take), weir::after(3us, [] { return true; }));
            if (how == 3) more = take(rx.try_recv());
            if (random() % 64 == 0) weir::this_actor::yield();
          }
          EXPECT(rx.missed() == static_cast<std::uint64_t>(lost));
          got += mine;
          missed += lost;
        });
      rx.reset();
      for (int p = 0; p < 2; ++p)
        s.spawn("sender", [&reached, n, p, tx = tx] {
          std::minstd_rand random(static_cast<unsigned>(p + 100));
          for (int i = 1; i <= n; ++i) {
            reached += static_cast<long>(tx.send({p, i}));
            if (random() % 8 == 0) weir::this_actor::yield();
          }
        });
      tx.reset();
    });
    CHECK(reached == 2L * n * receivers);
    CHECK(got + missed == reached);
    CHECK(got > 0);
  });
}

TEST_CASE("blocking: every send that was true reaches every receiver, and a send that was not keeps its value") {
  const int capacity = GENERATE(1, 3);
  in_actor([capacity] {
    auto [tx, rx] = weir::broadcast<std::shared_ptr<int>>(capacity, {.block = true});
    const int n = rounds(10'000);
    std::atomic<long> sent{0}, got{0};
    const int receivers = 3;
    weir::with_scope([&, tx = std::move(tx), rx = std::move(rx)](weir::scope& s) mutable {
      for (int k = 0; k < receivers; ++k)
        s.spawn("receiver", [&got, k, rx = tx.subscribe()] {
          for (bool more = true; more;) {
            auto r = k == 0 ? rx.recv() : rx.recv(std::chrono::microseconds(k * 2));
            EXPECT(r.status() != status::lagged);
            if (r) got += **r;
            more = r.status() != status::closed;
          }
        });
      rx.reset();
      for (int p = 0; p < 2; ++p)
        s.spawn("sender", [&sent, n, p, tx = tx] {
          for (int i = 0; i < n; ++i) {
            auto value = std::make_shared<int>(1);
            const bool ok = p == 0 ? tx.send(std::move(value)) > 0
                                   : tx.send(std::move(value), std::chrono::microseconds(i % 5)) == send_status::ok;
            EXPECT(ok == (value == nullptr));
            sent += ok;
          }
        });
      tx.reset();
    });
    CHECK(sent >= n);
    CHECK(got == sent * receivers);
  });
}

TEST_CASE("cancel, close and drop against receive and send leave nobody waiting and nothing behind") {
  counted::alive = 0;
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto [tx, rx] = weir::broadcast<counted>(1 + i % 3, {.block = i % 2 == 0});
      auto other = tx.subscribe();
      auto receiver = weir::spawn("receiver", [rx = std::move(rx)]() mutable {
        while (rx.recv().status() != status::closed) {
        }
      });
      auto sender = weir::spawn("sender", [i, tx = tx] {
        for (int k = 0; k < 6; ++k)
          if (tx.send(counted(k)) == 0 && i % 3 == 0) return;
      });
      for (int k = 0; k < i % 4; ++k) weir::this_actor::yield();
      switch (i % 5) {
        case 0:
          tx.close();
          break;
        case 1:
          receiver.cancel();
          break;
        case 2:
          sender.cancel();
          break;
        default:
          break;
      }
      other.reset();
      sender.wait();
      tx.reset();
      receiver.wait();
    }
  });
  CHECK(counted::alive == 0);
}

TEST_CASE("a crowd that is woken by the end of the last sender may go at once") {
  in_actor([] {
    const int crowd = 70;  // more than are served in one hold of the lock
    for (int i = 0; i < rounds(200); ++i) {
      auto [tx, rx] = weir::broadcast<int>(1);
      weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
        for (int k = 0; k < crowd; ++k) s.spawn("listener", [rx = tx.subscribe()] { EXPECT(!rx.recv()); });
        eventually([&] { return rx.waiting() == crowd; });
        rx.reset();
        tx.reset();
      });
    }
  });
}

TEST_CASE("who was cancelled but has not left its list yet takes no value and gives none") {
  in_actor(
      [] {
        auto [tx, rx] = weir::broadcast<std::shared_ptr<int>>(1, {.block = true});
        auto receiver = weir::spawn("receiver", [&rx = rx] { EXPECT(!rx.recv()); });
        eventually([&rx = rx] { return rx.waiting() == 1; });
        receiver.cancel();
        CHECK(tx.send(std::make_shared<int>(1)) == 1);  // one worker: the receiver has not run since
        receiver.wait();
        CHECK(rx.length() == 1);
        auto sender = weir::spawn("sender", [&tx = tx] {
          auto value = std::make_shared<int>(2);
          try {
            tx.send(std::move(value));
          } catch (const weir::cancelled&) {
            EXPECT(value);
            throw;
          }
        });
        eventually([&tx = tx] { return tx.waiting() == 1; });
        sender.cancel();
        CHECK(**rx.try_recv() == 1);
        sender.wait();
        CHECK(rx.try_recv().status() == status::empty);
        CHECK(tx.length() == 0);
      },
      1);
}

TEST_CASE("a select over two broadcasts loses nothing of either") {
  auto a = weir::broadcast<int>(1, {.block = true});
  auto b = weir::broadcast<int>(1, {.block = true});
  const int n = rounds(10'000);
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      for (auto* to : {&a.tx, &b.tx})
        s.spawn("sender", [n, tx = std::move(*to)] {
          for (int i = 0; i < n; ++i) EXPECT(tx.send(i) == 1);
        });
      int next_a = 0, next_b = 0;
      const auto in_order = [](int& next) {
        return [&next](weir::broadcast_result<int> r) {
          if (r) CHECK(*r == next);
          next += static_cast<bool>(r);
        };
      };
      while (next_a < n || next_b < n)
        weir::select(weir::on_recv(a.rx, in_order(next_a)).when(next_a < n),
                     weir::on_recv(b.rx, in_order(next_b)).when(next_b < n));
    });
  });
}

TEST_CASE("receivers that come and go while others send and wait: what was sent in between arrives") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(2, {.block = true});
    std::atomic<bool> stop{false};
    const int n = rounds(10'000) / 4;
    weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
      s.spawn("sender", [&, tx = tx] {
        for (int i = 0; !stop; ++i) tx.send(i);
      });
      s.spawn("steady", [rx = std::move(rx)] {
        int expected = 0;
        for (int& v : rx) EXPECT(v == expected++);
      });
      weir::with_scope([&](weir::scope& visitors) {
        for (int g = 0; g < 3; ++g)
          visitors.spawn("visitor", [&, n, g] {
            for (int i = 0; i < n; ++i) {
              auto guest = tx.subscribe();
              int last = -1;
              for (int k = 0; k < (i + g) % 4; ++k) {
                auto r = guest.recv();
                EXPECT(r && (last < 0 || *r == last + 1));
                if (r) last = *r;
              }
            }
          });
      });
      stop = true;
      tx.close();
    });
  });
}

TEST_CASE("a broadcast works between plain threads and actors") {
  auto [tx, rx] = weir::broadcast<int>(4, {.block = true});
  const int n = rounds(2000);
  std::atomic<long> sum{0};
  std::thread thread([&sum, rx = tx.subscribe()] {
    for (int& v : rx) sum += v;
  });
  CHECK(rx.recv(1ms).status() == status::timeout);
  in_actor([&, &tx = tx, &rx = rx] {
    auto listener = weir::spawn("listener", [&sum, rx = std::move(rx)] {
      for (int& v : rx) sum += v;
    });
    std::thread sender([n, tx = std::move(tx)] {
      for (int i = 1; i <= n; ++i) tx.send(1);
    });
    listener.join();
    sender.join();
  });
  thread.join();
  CHECK(sum == 2L * n);
}

TEST_CASE("a dump says which broadcast an actor waits for") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(2, {.block = true, .name = "news"});
    auto listener = weir::spawn("listener", [rx = tx.subscribe()] { (void)rx.recv(); });
    eventually([] { return testing::waits("listener", "recv"); });
    CHECK_THAT(testing::row(testing::dump(), "listener"), Catch::Contains("recv broadcast \"news\" 0/2, 2 receivers"));
    listener.cancel();
    listener.wait();
    auto sender = weir::spawn("sender", [tx = tx] {
      for (int i = 0; i < 3; ++i) tx.send(i);
    });
    eventually([] { return testing::waits("sender", "send"); });
    CHECK_THAT(testing::row(testing::dump(), "sender"), Catch::Contains("send broadcast \"news\" 2/2, 1 receivers"));
    rx.reset();
    sender.join();
  });
}

TEST_CASE("a broadcast's capacity out of range and a moved-from handle are misuse") {
  CHECK_THROWS_WITH(weir::broadcast<int>(0, {.name = "news"}),
                    Catch::Contains("capacity must be 1..16777216, got 0 for broadcast \"news\" (broadcast_test.cc:"));
  CHECK_THROWS_AS(weir::broadcast<int>(16777217), weir::misuse);
  auto [tx, rx] = weir::broadcast<int>(1);
  auto a = std::move(tx);
  auto b = std::move(rx);
  CHECK_THROWS_AS(tx.send(1), weir::misuse);
  CHECK_THROWS_AS(rx.recv(), weir::misuse);
  CHECK(a.send(2) == 1);
  CHECK(*b.recv() == 2);
}
