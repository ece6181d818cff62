// The races that have names: each pair of ways in which a wait can end, provoked many times, with conservation counted.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::in_actor;
using testing::rounds;
using weir::recv_status;
using weir::send_status;

TEST_CASE("timeout against hand-over: a value is delivered or kept, never both and never neither") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(0);
    const int n = rounds(10'000);
    std::atomic<long> received{0};
    long sent = 0, kept = 0;
    auto consumer = weir::spawn("consumer", [&, rx = std::move(rx)] {
      for (;;) {
        auto r = rx.recv(3us);
        if (r) received += **r;
        if (r.status() == recv_status::closed) return;
      }
    });
    for (int i = 0; i < n; ++i) {
      auto value = std::make_unique<int>(1);
      const send_status s = tx.send(std::move(value), 2us);
      sent += s == send_status::ok;
      kept += value != nullptr;
      if ((s == send_status::ok) == (value != nullptr)) FAIL("delivered and kept, or neither, in round " << i);
    }
    tx.reset();
    consumer.join();
    CHECK(sent == received);
    CHECK(sent + kept == n);
  });
}

TEST_CASE("close against hand-over: every send that was true is received") {
  in_actor([] {
    const int n = rounds(10'000);
    for (int i = 0; i < n; ++i) {
      auto [tx, rx] = weir::channel<int>(i % 3);
      std::atomic<int> sent{0}, received{0};
      weir::with_scope([&](weir::scope& s) {
        for (int p = 0; p < 2; ++p)
          s.spawn("sender", [&sent, tx = tx] {
            while (tx.send(1)) ++sent;
          });
        s.spawn("receiver", [&received, rx = rx] {
          while (rx.recv()) ++received;
        });
        s.spawn("closer", [tx = tx, i] {
          for (int k = 0; k < i % 7; ++k) weir::this_actor::yield();
          tx.close();
        });
      });
      REQUIRE(sent == received);
    }
  });
}

TEST_CASE("cancel against hand-over: every send that was true is received") {
  in_actor([] {
    const int n = rounds(10'000);
    auto [tx, rx] = weir::channel<int>(0);
    std::atomic<long> sent{0}, received{0};
    auto consumer = weir::spawn("consumer", [&, rx = std::move(rx)] {
      while (rx.recv()) ++received;
    });
    for (int i = 0; i < n; ++i) {
      auto victim = weir::spawn("victim", [&sent, tx = tx] {
        for (;;) {
          const bool ok = tx.send(1);  // a completed hand-over goes before the cancel, so it is counted
          sent += ok;
        }
      });
      for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
      victim.cancel();
      victim.wait();
    }
    tx.reset();
    consumer.join();
    CHECK(sent == received);
  });
}

TEST_CASE("selects against selects, with timeouts: values in equal values out") {
  in_actor([] {
    auto a = weir::channel<int>(0);
    auto b = weir::channel<int>(1);
    std::atomic<long> in{0}, out{0};
    const int n = rounds(10'000);
    weir::with_scope([&](weir::scope& s) {
      for (int p = 0; p < 3; ++p)
        s.spawn("producer", [&] {
          for (int i = 0; i < n; ++i)
            weir::select(weir::on_send(a.tx, 1, [&] { ++in; }), weir::on_send(b.tx, 1, [&] { ++in; }),
                         weir::after(5us, [] {}));
        });
      for (int c = 0; c < 3; ++c)
        s.spawn("consumer", [&] {
          for (int i = 0; i < n; ++i)
            weir::select(weir::on_recv(b.rx, [&](auto v) { out += v.has_value(); }),
                         weir::on_recv(a.rx, [&](auto v) { out += v.has_value(); }), weir::after(5us, [] {}));
        });
    });
    while (b.rx.try_recv()) ++out;
    CHECK(in == out);
  });
}

TEST_CASE("plain threads against actors over one rendezvous: nothing lost, nobody stuck") {
  const int n = rounds(10'000);
  auto [tx, rx] = weir::channel<int>(0);
  std::atomic<long> sum{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, tx = tx] {
      for (int i = 0; i < n; ++i) tx.send(1);
    });
  in_actor([&, rx = rx] {
    weir::with_scope([&](weir::scope& s) {
      for (int c = 0; c < 2; ++c)
        s.spawn("receiver", [&] {
          for (int i = 0; i < n; ++i) sum += rx.recv().value();
        });
    });
  });
  for (auto& t : threads) t.join();
  CHECK(sum == 2L * n);
}

TEST_CASE("handles dropped while peers are parked wake them all") {
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto [tx, rx] = weir::channel<int>(0);
      auto receiver = weir::spawn("receiver", [rx = std::move(rx)] { EXPECT(!rx.recv().has_value()); });
      if (i % 2) weir::this_actor::yield();
      tx.reset();
      receiver.join();
    }
  });
}

TEST_CASE("a sender may ask for the length while the last receiver destroys what is buffered") {
  in_actor([] {
    for (int i = 0; i < rounds(2000); ++i) {
      auto [tx, rx] = weir::channel<std::unique_ptr<int>>(8);
      for (int k = 0; k < 8; ++k) tx.send(std::make_unique<int>(k));
      auto dropper = weir::spawn("dropper", [rx = std::move(rx)]() mutable { rx.reset(); });
      while (tx.length() > 0) weir::this_actor::yield();
      dropper.join();
    }
  });
}
