#include "weir/channels/oneshot.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

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
using weir::recv_status;

namespace {

// Counts live objects, so that a lost or doubled value shows.
struct counted {
  static inline std::atomic<int> alive{0};
  int value;
  explicit counted(int v) : value(v) { ++alive; }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  counted& operator=(counted&&) = delete;
  ~counted() { --alive; }
};

const auto long_past = weir::deadline(std::chrono::steady_clock::now() - 1s);

}  // namespace

TEST_CASE("a value sent is received once, and then there is none") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    CHECK(rx.try_recv().status() == recv_status::empty);
    CHECK(std::move(tx).send(7));
    CHECK_FALSE(tx);
    CHECK(rx.recv() == 7);
    CHECK_FALSE(rx.recv().has_value());
    CHECK(rx.try_recv().status() == recv_status::closed);
  });
}

TEST_CASE("a send meets a receiver that is parked already") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<std::unique_ptr<int>>();
    auto sender = weir::spawn("sender", [&rx = rx, tx = std::move(tx)]() mutable {
      eventually([&] { return rx.waiting() == 1; });
      EXPECT(std::move(tx).send(std::make_unique<int>(3)));
    });
    auto got = rx.recv();
    REQUIRE(got);
    CHECK(**got == 3);
    sender.join();
  });
}

TEST_CASE("without a receiver send is false and leaves the value with the caller") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<std::unique_ptr<int>>();
    CHECK_FALSE(tx.closed());
    rx.reset();
    CHECK(tx.closed());
    auto value = std::make_unique<int>(7);
    CHECK_FALSE(std::move(tx).send(std::move(value)));
    REQUIRE(value);
    CHECK_FALSE(tx);
  });
}

TEST_CASE("a sender that goes unsent lets the receiver go empty at once") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    auto dropper = weir::spawn("dropper", [&rx = rx, tx = std::move(tx)]() mutable {
      eventually([&] { return rx.waiting() == 1; });
      tx.reset();
    });
    CHECK_FALSE(rx.recv().has_value());
    dropper.join();
    auto other = weir::oneshot<int>();
    other.tx = {};
    CHECK(other.rx.recv(1h).status() == recv_status::closed);
  });
}

TEST_CASE("a receiver that closes still gets what was sent before, and refuses what comes after") {
  in_actor([] {
    auto early = weir::oneshot<int>();
    CHECK(std::move(early.tx).send(1));
    early.rx.close();
    CHECK(early.rx.recv() == 1);
    auto late = weir::oneshot<int>();
    late.rx.close();
    late.rx.close();
    CHECK(late.tx.closed());
    CHECK_FALSE(std::move(late.tx).send(1));
    CHECK_FALSE(late.rx.recv().has_value());
  });
}

TEST_CASE("a value nobody took is destroyed when the receiver goes") {
  counted::alive = 0;
  in_actor([] {
    auto [tx, rx] = weir::oneshot<counted>();
    CHECK(std::move(tx).send(counted(1)));
    CHECK(counted::alive == 1);
    rx.reset();
    CHECK(counted::alive == 0);
  });
}

TEST_CASE("the shell of a received value is destroyed at once") {
  counted::alive = 0;
  in_actor([] {
    auto [tx, rx] = weir::oneshot<counted>();
    CHECK(std::move(tx).send(counted(1)));
    {
      auto got = rx.recv();
      CHECK(counted::alive == 1);
    }
    CHECK(counted::alive == 0);
  });
}

TEST_CASE("a deadline ends the wait with timeout, not early; what comes later is still received") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(rx.recv(20ms).status() == recv_status::timeout);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    CHECK(rx.waiting() == 0);
    CHECK(rx.recv(long_past).status() == recv_status::timeout);
    CHECK(std::move(tx).send(4));
    auto got = rx.recv(long_past);  // the try comes before the clock
    REQUIRE(got);
    CHECK(*got == 4);
  });
}

TEST_CASE("a sender can wait until nobody will receive") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    CHECK_FALSE(tx.wait_closed(1ms));
    CHECK_FALSE(tx.wait_closed(long_past));
    auto asker = weir::spawn("asker", [&tx = tx, rx = std::move(rx)]() mutable {
      eventually([&] { return tx.waiting() == 1; });
      rx.reset();
    });
    CHECK(tx.wait_closed());
    CHECK(tx.wait_closed(long_past));
    asker.join();
  });
}

TEST_CASE("a cancel ends a recv, and what is sent afterwards is still received") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    auto victim = weir::spawn("victim", [&rx = rx] { (void)rx.recv(); });
    eventually([&] { return rx.waiting() == 1; });
    victim.cancel();
    CHECK_THROWS_AS(victim.join(), weir::actor_cancelled);
    CHECK(rx.waiting() == 0);
    CHECK(std::move(tx).send(2));
    CHECK(rx.recv() == 2);
  });
}

TEST_CASE("in a cancelled scope a oneshot that would report closed throws cancelled; a value goes before it") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      auto full = weir::oneshot<int>();
      auto unsent = weir::oneshot<int>();
      auto unheard = weir::oneshot<int>();
      auto watched = weir::oneshot<int>();
      s.cancel();
      CHECK(std::move(full.tx).send(1));
      CHECK(full.rx.recv() == 1);
      unsent.tx.reset();
      CHECK(unsent.rx.try_recv().status() == recv_status::closed);
      CHECK_THROWS_AS(unsent.rx.recv(), weir::cancelled);
      CHECK_THROWS_AS(weir::select(weir::on_recv(unsent.rx, [](auto) {})), weir::cancelled);
      CHECK_THROWS_AS(weir::select(weir::on_recv(watched.rx, [](auto) {})), weir::cancelled);
      unheard.rx.reset();
      int value = 1;
      CHECK_THROWS_AS(std::move(unheard.tx).send(value), weir::cancelled);
      CHECK_FALSE(unheard.tx);
      CHECK_THROWS_AS(watched.tx.wait_closed(), weir::cancelled);
    });
  });
}

TEST_CASE("while an actor unwinds from a cancel a oneshot acts as if its peer were gone") {
  in_actor([] {
    struct asks_again {
      weir::oneshot_receiver<int>* rx;
      weir::oneshot_sender<int>* tx;
      int* answers;
      ~asks_again() {
        *answers += !rx->recv().has_value();
        *answers += rx->recv(1h).status() == recv_status::closed;
        *answers += tx->wait_closed();
        *answers += weir::select(weir::on_recv(*rx, [](std::optional<int> v) { return !v.has_value(); }));
      }
    };
    auto [tx, rx] = weir::oneshot<int>();
    int answers = 0;
    auto victim = weir::spawn("victim", [&rx = rx, &tx = tx, &answers] {
      asks_again last{&rx, &tx, &answers};
      (void)rx.recv();
    });
    eventually([&] { return rx.waiting() == 1; });
    victim.cancel();
    victim.wait();
    CHECK(answers == 4);
  });
}

TEST_CASE("of several that wait on one receiver one gets the value and the others nothing") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    std::atomic<int> got{0}, empty{0};
    weir::with_scope([&, &rx = rx, &tx = tx](weir::scope& s) {
      for (int i = 0; i < 4; ++i)
        s.spawn("receiver", [&] {
          if (auto v = rx.recv())
            got += *v;
          else
            ++empty;
        });
      eventually([&] { return rx.waiting() == 4; });
      CHECK(std::move(tx).send(5));
    });
    CHECK(got == 5);
    CHECK(empty == 3);
  });
}

TEST_CASE("a oneshot carries payloads of every kind") {
  struct nothing {};
  struct alignas(128) aligned {
    int value;
  };
  struct huge {
    std::array<char, 4096> bytes;
  };
  in_actor([] {
    auto e = weir::oneshot<nothing>();
    CHECK(std::move(e.tx).send({}));
    CHECK(e.rx.recv().has_value());
    auto a = weir::oneshot<aligned>();
    CHECK(std::move(a.tx).send({5}));
    auto got = a.rx.recv();
    CHECK(reinterpret_cast<std::uintptr_t>(&*got) % 128 == 0);
    CHECK(got->value == 5);
    auto h = weir::oneshot<huge>();
    huge big{};
    big.bytes[4095] = 'x';
    CHECK(std::move(h.tx).send(big));
    CHECK(h.rx.recv()->bytes[4095] == 'x');
    auto c = weir::oneshot<counted>();  // neither default-constructible nor copyable
    CHECK(std::move(c.tx).send(counted(9)));
    CHECK(c.rx.recv()->value == 9);
    auto nested = weir::oneshot<weir::oneshot_sender<int>>();  // an answer's way back
    auto answer = weir::oneshot<int>();
    CHECK(std::move(nested.tx).send(std::move(answer.tx)));
    CHECK(std::move(*nested.rx.recv()).send(42));
    CHECK(answer.rx.recv() == 42);
  });
}

TEST_CASE("the destructor of a payload may use the receiver it came through") {
  // Would never return if a value or a moved-from shell were destroyed under the lock.
  struct nosy {
    const weir::oneshot_receiver<nosy>* rx;
    int* looked;
    nosy(const weir::oneshot_receiver<nosy>* r, int* l) : rx(r), looked(l) {}
    nosy(nosy&& o) noexcept : rx(o.rx), looked(o.looked) {}
    ~nosy() { *looked += *rx && rx->waiting() == 0; }
  };
  in_actor([] {
    int looked = 0;
    auto [tx, rx] = weir::oneshot<nosy>();
    CHECK(std::move(tx).send(nosy(&rx, &looked)));
    looked = 0;
    CHECK(rx.recv().has_value());
    CHECK(looked >= 2);  // the shell, and the value
  });
}

TEST_CASE("select takes a oneshot's value, its end, and the end of its receiver") {
  in_actor([] {
    auto a = weir::oneshot<int>();
    auto b = weir::oneshot<int>();
    auto never = weir::oneshot<int>();
    const auto once = [&](weir::deadline limit) {
      return weir::select(weir::on_recv(a.rx, [](std::optional<int> v) { return v.value_or(-1); }),
                          weir::on_recv(never.rx, [](auto) { return -3; }), weir::on_closed(b.tx, [] { return -2; }),
                          weir::after(limit, [] { return 0; }));
    };
    CHECK(once(2ms) == 0);
    CHECK(a.rx.waiting() == 0);
    CHECK(b.tx.waiting() == 0);
    auto sender = weir::spawn("sender", [&] {
      eventually([&] { return a.rx.waiting() == 1; });
      EXPECT(std::move(a.tx).send(6));
    });
    CHECK(once(1h) == 6);
    sender.join();
    CHECK(once(1h) == -1);  // ready for ever

    a = weir::oneshot<int>();
    auto dropper = weir::spawn("dropper", [&] {
      eventually([&] { return b.tx.waiting() == 1; });
      b.rx.reset();
    });
    CHECK(once(1h) == -2);
    dropper.join();
    CHECK(a.rx.waiting() == 0);

    b = weir::oneshot<int>();
    CHECK(weir::select(weir::on_recv(a.rx, [](auto) { return 1; }).when(false), weir::on_closed(b.tx, [] { return 2; }),
                       weir::otherwise([] { return 3; })) == 3);
    CHECK(std::move(a.tx).send(1));
    CHECK(weir::select(weir::on_recv(a.rx, [](std::optional<int> v) { return *v; }),
                       weir::otherwise([] { return 3; })) == 1);
  });
}

TEST_CASE("a oneshot works between plain threads, and between a thread and an actor") {
  for (int i = 0; i < rounds(1000); ++i) {
    auto question = weir::oneshot<int>();
    auto answer = weir::oneshot<int>();
    std::thread server([rx = std::move(question.rx), tx = std::move(answer.tx)]() mutable {
      if (auto v = rx.recv()) std::move(tx).send(*v + 1);
    });
    const bool sent = std::move(question.tx).send(i);
    const std::optional<int> got = answer.rx.recv();
    server.join();
    REQUIRE(sent);
    REQUIRE(got == i + 1);
  }
  auto [tx, rx] = weir::oneshot<int>();
  CHECK(rx.recv(5ms).status() == recv_status::timeout);
  std::thread sender;
  in_actor([&, &rx = rx] {
    sender = std::thread([tx = std::move(tx)]() mutable { std::move(tx).send(8); });
    CHECK(rx.recv() == 8);
  });
  sender.join();
}

TEST_CASE("timeout, cancel and drop against send: a value is delivered or kept, never both and never neither") {
  in_actor([] {
    const int n = rounds(10'000);
    long sent = 0, kept = 0;
    std::atomic<long> received{0};
    for (int i = 0; i < n; ++i) {
      auto [tx, rx] = weir::oneshot<std::unique_ptr<int>>();
      auto receiver = weir::spawn("receiver", [&received, i, rx = std::move(rx)]() mutable {
        if (i % 3 == 0) {
          if (auto r = rx.recv(std::chrono::microseconds(i % 11))) received += **r;
          rx.close();
          if (auto r = rx.try_recv()) received += **r;  // sent between the timeout and the close
        } else if (auto r = weir::select(weir::on_recv(rx, [](auto v) { return v; }),
                                         weir::after(std::chrono::microseconds(i % 7),
                                                     [] { return std::optional<std::unique_ptr<int>>(); }))) {
          received += **r;
        } else {
          rx.close();
          if (auto last = rx.try_recv()) received += **last;
        }
      });
      for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
      auto value = std::make_unique<int>(1);
      const bool ok = std::move(tx).send(std::move(value));
      sent += ok;
      kept += value != nullptr;
      if (ok == (value != nullptr)) FAIL("delivered and kept, or neither, in round " << i);
      receiver.join();
    }
    CHECK(sent == received);
    CHECK(sent + kept == n);
  });
}

TEST_CASE("a cancelled receiver gets the value or leaves it in the oneshot") {
  in_actor([] {
    const int n = rounds(10'000);
    std::atomic<long> received{0};
    long left = 0;
    for (int i = 0; i < n; ++i) {
      auto [tx, rx] = weir::oneshot<int>();
      auto victim = weir::spawn("victim", [&received, &rx = rx] {
        if (rx.recv()) ++received;
      });
      if (i % 3 > 0) eventually([&rx = rx] { return rx.waiting() == 1; });
      auto send = [tx = std::move(tx)]() mutable { EXPECT(std::move(tx).send(1)); };
      if (i % 2) {  // who comes first differs: the one spawned last, or the one another worker takes
        auto sender = weir::spawn("sender", std::move(send));
        victim.cancel();
        sender.join();
      } else {
        auto canceller = weir::spawn("canceller", [&victim] { victim.cancel(); });
        auto sender = weir::spawn("sender", std::move(send));
        canceller.join();
        sender.join();
      }
      victim.wait();
      left += rx.try_recv().status() == recv_status::ok;
    }
    CHECK(received + left == n);
  });
}

TEST_CASE("a receiver that was cancelled but has not left its list yet takes no value") {
  in_actor(
      [] {
        auto [tx, rx] = weir::oneshot<std::unique_ptr<int>>();
        auto victim = weir::spawn("victim", [&rx = rx] { EXPECT(!rx.recv()); });
        eventually([&rx = rx] { return rx.waiting() == 1; });
        victim.cancel();
        CHECK(std::move(tx).send(std::make_unique<int>(1)));  // one worker: the victim has not run since
        victim.wait();
        auto left = rx.recv();
        REQUIRE(left);
        REQUIRE(*left);
        CHECK(**left == 1);
      },
      1);
}

TEST_CASE("a select over two oneshots takes one value and leaves the other") {
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto a = weir::oneshot<int>();
      auto b = weir::oneshot<int>();
      auto first = weir::spawn("first", [tx = std::move(a.tx)]() mutable { EXPECT(std::move(tx).send(1)); });
      auto second = weir::spawn("second", [tx = std::move(b.tx)]() mutable { EXPECT(std::move(tx).send(2)); });
      if (i % 3 == 0) weir::this_actor::yield();
      const int taken = weir::select(weir::on_recv(a.rx, [](std::optional<int> v) { return v.value_or(0); }),
                                     weir::on_recv(b.rx, [](std::optional<int> v) { return v.value_or(0); }));
      first.join();
      second.join();
      const int left = a.rx.recv().value_or(0) + b.rx.recv().value_or(0);
      REQUIRE(taken > 0);
      REQUIRE(taken + left == 3);
    }
  });
}

TEST_CASE("both ends going at the same time leak nothing and wake whoever waits") {
  counted::alive = 0;
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto [tx, rx] = weir::oneshot<counted>();
      auto other = weir::spawn("sender", [i, tx = std::move(tx)]() mutable {
        if (i % 3 == 0) std::move(tx).send(counted(1));
        if (i % 3 == 1) tx.reset();
        if (i % 3 == 2) tx.wait_closed();
      });
      if (i % 2) weir::this_actor::yield();
      if (i % 5 == 0 && i % 3 != 2) (void)rx.recv();
      rx.reset();
      other.join();
    }
  });
  CHECK(counted::alive == 0);
}

TEST_CASE("a dump says which oneshot an actor waits for") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    auto asker = weir::spawn("asker", [&rx = rx] { (void)rx.recv(); });
    auto server = weir::spawn("server", [&tx = tx] { tx.wait_closed(); });
    eventually([&] { return rx.waiting() == 1 && tx.waiting() == 1; });
    eventually([] { return testing::waits("asker", "recv") && testing::waits("server", "wait"); });
    CHECK_THAT(testing::row(testing::dump(), "asker"),
               Catch::Contains("recv oneshot oneshot_test.cc:") && Catch::Contains(" empty "));
    asker.cancel();
    server.cancel();
    asker.wait();
    server.wait();
  });
}

TEST_CASE("using a oneshot's handle after it was given up is misuse") {
  auto [tx, rx] = weir::oneshot<int>();
  CHECK(std::move(tx).send(1));
  CHECK_THROWS_WITH(std::move(tx).send(2), Catch::Contains("send: the handle must refer to a channel"));
  auto elsewhere = std::move(rx);
  CHECK_THROWS_AS(rx.recv(), weir::misuse);
  CHECK(elsewhere.recv() == 1);
}
