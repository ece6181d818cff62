#include "weir/channels/select.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/on_closed.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

TEST_CASE("select takes what is ready and returns what the body returned; void counts as true") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    tx.send(5);
    CHECK(weir::select(weir::on_recv(rx, [](std::optional<int> v) { return *v + 1; })) == 6);
    CHECK(weir::select(weir::on_send(tx, 1, [] {})) == true);
    CHECK(weir::select(weir::on_recv(rx, [](auto v) { return v == 1; }), weir::after(1s, [] { return false; })));
  });
}

TEST_CASE("a parked select is completed by a sender, a receiver, a timer and a close") {
  in_actor([] {
    auto in = weir::channel<int>(0);
    auto out = weir::channel<int>(0);
    std::vector<std::string> seen;
    auto once = [&](weir::deadline limit) {
      weir::select(
          weir::on_recv(in.rx,
                        [&](std::optional<int> v) { seen.push_back(v ? "got " + std::to_string(*v) : "closed"); }),
          weir::on_send(out.tx, 8, [&](bool sent) { seen.push_back(sent ? "sent" : "nobody"); }),
          weir::after(limit, [&] { seen.push_back("timeout"); }));
    };
    auto helper = weir::spawn("sender", [tx = in.tx] { tx.send(3); });
    once(1h);
    helper.join();
    auto receiver = weir::spawn("receiver", [rx = out.rx] { EXPECT(rx.recv() == 8); });
    once(1h);
    receiver.join();
    once(2ms);
    auto closer = weir::spawn("closer", [&] {
      eventually([&] { return in.rx.waiting() == 1; });
      in.tx.close();
    });
    once(1h);
    closer.join();
    CHECK(seen == std::vector<std::string>{"got 3", "sent", "timeout", "closed"});
  });
}

TEST_CASE("losing cases leave no waiter behind") {
  in_actor([] {
    auto a = weir::channel<int>(0);
    auto b = weir::channel<int>(0);
    for (int i = 0; i < 200; ++i) {
      weir::select(weir::on_recv(a.rx, [](auto) {}), weir::on_send(b.tx, 1, [] {}), weir::after(10us, [] {}));
      REQUIRE(a.rx.waiting() == 0);
      REQUIRE(b.tx.waiting() == 0);
    }
  });
}

TEST_CASE("otherwise runs if nothing is ready, and only then") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    auto other = weir::channel<int>(1);
    auto look = [&] {
      return weir::select(weir::on_recv(rx, [](auto v) { return *v; }),
                          weir::on_recv(other.rx, [](auto v) { return *v; }), weir::otherwise([] { return -1; }));
    };
    CHECK(look() == -1);
    tx.send(4);
    CHECK(look() == 4);
    CHECK(look() == -1);
    CHECK(rx.waiting() == 0);
  });
}

TEST_CASE("otherwise never runs while at every moment one case is ready") {
  // The token moves from a to b and back; at no moment are both empty, as it is in the second before it leaves the
  // first.
  in_actor([] {
    auto a = weir::channel<int>(2);
    auto b = weir::channel<int>(2);
    std::atomic<bool> stop{false};
    a.tx.send(1);
    auto mover = weir::spawn("mover", [&] {
      while (!stop) {
        b.tx.send(1);
        a.rx.recv();
        a.tx.send(1);
        b.rx.recv();
        weir::this_actor::yield();
      }
    });
    int wrong = 0;
    for (int i = 0; i < rounds(20'000); ++i) {
      // Looks without taking: puts back what it took.
      const int from = weir::select(weir::on_recv(a.rx, [](auto) { return 0; }),
                                    weir::on_recv(b.rx, [](auto) { return 1; }), weir::otherwise([] { return -1; }));
      if (from == 0) a.tx.send(1);
      if (from == 1) b.tx.send(1);
      // While we hold the token the mover may block; that it is nowhere is then our own doing, so only the look counts.
      wrong += from == -1;
      if (i % 16 == 0) weir::this_actor::yield();
    }
    stop = true;
    a.tx.send(1);
    b.tx.send(1);
    mover.join();
    CHECK(wrong == 0);
  });
}

TEST_CASE("when(false) switches a case off; if all are off and there is no otherwise, it is misuse") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    tx.send(1);
    CHECK(weir::select(weir::on_recv(rx, [](auto) { return 1; }).when(false), weir::after(1ms, [] { return 2; })) == 2);
    CHECK(weir::select(weir::on_recv(rx, [](auto) { return 1; }).when(false), weir::otherwise([] { return 3; })) == 3);
    CHECK_THROWS_WITH(weir::select(weir::on_recv(rx, [](auto) { return 1; }).when(false)),
                      Catch::Contains("select: at least one case must be enabled, got 1 cases, all disabled"));
  });
}

TEST_CASE("the same channel may appear twice, and a select never meets itself") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    const int got = weir::select(weir::on_recv(rx, [](auto) { return 1; }), weir::on_send(tx, 1, [] { return 2; }),
                                 weir::on_recv(rx, [](auto) { return 3; }), weir::after(5ms, [] { return 4; }));
    CHECK(got == 4);
  });
}

TEST_CASE("two selects that want each other meet, also in a circle of three") {
  in_actor([] {
    auto a = weir::channel<int>(0);
    auto b = weir::channel<int>(0);
    auto c = weir::channel<int>(0);
    std::atomic<int> sent{0}, received{0};
    const int each = rounds(5000);
    auto loop = [&](auto& out, auto& in) {
      for (int i = 0; i < each; ++i)
        weir::select(weir::on_send(out.tx, 1, [&](bool ok) { sent += ok; }),
                     weir::on_recv(in.rx, [&](std::optional<int> v) { received += v.value_or(0); }));
    };
    weir::with_scope([&](weir::scope& s) {
      s.spawn("ab", [&] { loop(a, b); });
      s.spawn("bc", [&] { loop(b, c); });
      s.spawn("ca", [&] { loop(c, a); });
      // Whoever is left alone at the end gets partners, until the three are through.
      s.spawn("helper", [&] {
        while (sent + received < 6 * 0 + 3 * each) {
          (void)a.rx.recv(200us);
          (void)b.rx.recv(200us);
          (void)c.rx.recv(200us);
          a.tx.send(1, 200us);
          b.tx.send(1, 200us);
          c.tx.send(1, 200us);
        }
      });
    });
    CHECK(sent + received == 3 * each);
  });
}

TEST_CASE("among ready cases the choice is random: each gets its share") {
  in_actor([] {
    auto a = weir::channel<int>(1);
    auto b = weir::channel<int>(1);
    auto c = weir::channel<int>(1);
    int share[3] = {};
    for (int i = 0; i < 3000; ++i) {
      a.tx.try_send(1);
      b.tx.try_send(1);
      c.tx.try_send(1);
      weir::select(weir::on_recv(a.rx, [&](auto) { ++share[0]; }), weir::on_recv(b.rx, [&](auto) { ++share[1]; }),
                   weir::on_recv(c.rx, [&](auto) { ++share[2]; }));
    }
    for (int s : share) CHECK(s > 700);
  });
}

TEST_CASE("a case of a lower class goes first as long as it is ready") {
  in_actor([] {
    auto urgent = weir::channel<int>(100);
    auto plain = weir::channel<int>(100);
    for (int i = 0; i < 100; ++i) urgent.tx.send(i), plain.tx.send(i);
    std::string order;
    weir::timer due(weir::deadline(0ms));
    for (int i = 0; i < 201; ++i)
      weir::select(weir::on_recv(plain.rx, [&](auto) { order += 'p'; }).priority(1),
                   weir::on_timer(due, [&] { order += 't'; }).priority(2),
                   weir::on_recv(urgent.rx, [&](auto) { order += 'u'; }));
    CHECK(order == std::string(100, 'u') + std::string(100, 'p') + "t");
    CHECK_THROWS_WITH(weir::on_recv(plain.rx, [](auto) {}).priority(256),
                      Catch::Contains("select: the priority of a case must be 0..255, got 256"));
    CHECK_THROWS_AS(weir::after(1ms, [] {}).priority(-1), weir::misuse);
  });
}

TEST_CASE("inside a class the choice is random, and a disabled case of a lower class keeps nobody back") {
  in_actor([] {
    weir::channel_ends<int> c[4];
    for (auto& ends : c) ends = weir::channel<int>(1);
    int share[4] = {};
    const int turns = 4000;
    for (int i = 0; i < turns; ++i) {
      for (auto& ends : c) ends.tx.try_send(1);
      weir::select(weir::on_recv(c[0].rx, [&](auto) { ++share[0]; }).priority(7),
                   weir::on_recv(c[1].rx, [&](auto) { ++share[1]; }).when(false).priority(1),
                   weir::on_recv(c[2].rx, [&](auto) { ++share[2]; }).priority(7),
                   weir::on_recv(c[3].rx, [&](auto) { ++share[3]; }).priority(7));
    }
    CHECK(share[1] == 0);
    for (int i : {0, 2, 3}) CHECK(share[i] > turns / 10);
  });
}

TEST_CASE("classes hold for waiting senders too") {
  in_actor([] {
    auto urgent = weir::channel<int>(0);
    auto plain = weir::channel<int>(0);
    for (int i = 0; i < 100; ++i) {
      auto a = weir::spawn("plain", [tx = plain.tx] { tx.send(1); });
      auto b = weir::spawn("urgent", [tx = urgent.tx] { tx.send(2); });
      eventually([&] { return plain.tx.waiting() == 1 && urgent.tx.waiting() == 1; });
      const auto take = [](auto v) { return *v; };
      REQUIRE(weir::select(weir::on_recv(plain.rx, take).priority(1), weir::on_recv(urgent.rx, take)) == 2);
      REQUIRE(plain.rx.recv() == 1);
      a.join();
      b.join();
    }
  });
}

TEST_CASE("the result is the common type of what the bodies return, and may be move-only") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    for (int i = 0; i < 3; ++i) tx.send(i);
    auto wide = weir::select(weir::on_recv(rx, [](auto v) { return *v; }), weir::after(1h, [] { return 2.5; }));
    static_assert(std::is_same_v<decltype(wide), double>);
    CHECK(wide == 0.0);
    auto owned = weir::select(weir::on_recv(rx, [](auto v) { return std::make_unique<int>(*v); }),
                              weir::after(1h, [] { return nullptr; }));
    static_assert(std::is_same_v<decltype(owned), std::unique_ptr<int>>);
    CHECK(*owned == 1);
    const std::string text = "by reference";
    auto copied = weir::select(weir::on_recv(rx, [&](auto) -> const std::string& { return text; }));
    static_assert(std::is_same_v<decltype(copied), std::string>);
    CHECK(copied == text);
  });
  using weir::internal::agreeing;
  static_assert(agreeing<int, bool, double> && agreeing<std::string, const char*>);
  static_assert(!agreeing<std::unique_ptr<int>, bool> && !agreeing<int, std::string>);
}

TEST_CASE("an rvalue operand of on_send is taken from only if its case is chosen") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(0);
    auto value = std::make_unique<int>(1);
    weir::select(weir::on_send(tx, std::move(value), [] {}), weir::after(1ms, [] {}));
    CHECK(value);
    rx.close();
    CHECK(weir::select(weir::on_send(tx, std::move(value), [](bool sent) { return !sent; })));
    CHECK(value);
  });
}

TEST_CASE("a timer fires once; a ticker keeps its beat") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    const auto begin = std::chrono::steady_clock::now();  // before the ticker's own beginning
    weir::timer once(1ms);
    weir::ticker tick(2ms);
    int fired = 0, ticks = 0;
    while (ticks < 10 || fired == 0)
      weir::select(weir::on_timer(once, [&] { ++fired; }), weir::on_tick(tick, [&] { ++ticks; }),
                   weir::on_recv(rx, [](auto) {}));
    CHECK(fired == 1);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    CHECK_THROWS_WITH(weir::ticker(0s), Catch::Contains("ticker: the period must be more than zero, got 0 ns"));
  });
}

TEST_CASE("a body may throw, park and select again, with nothing registered") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    tx.send(1);
    tx.send(2);
    const int inner = weir::select(weir::on_recv(rx, [&](auto) {
      weir::this_actor::sleep(1ms);
      return weir::select(weir::on_recv(rx, [](auto v) { return *v; }));
    }));
    CHECK(inner == 2);
    tx.send(3);
    CHECK_THROWS_AS(weir::select(weir::on_recv(rx, [](auto) -> int { throw std::runtime_error("body"); })),
                    std::runtime_error);
    CHECK(rx.waiting() == 0);
  });
}

TEST_CASE("select works on a plain thread") {
  auto [tx, rx] = weir::channel<int>(0);
  std::thread peer([tx = tx] { tx.send(9); });
  int got = 0;
  while (weir::select(weir::on_recv(rx,
                                    [&](std::optional<int> v) {
                                      got = *v;
                                      return false;
                                    }),
                      weir::after(1h, [] { return false; })))
    ;
  peer.join();
  CHECK(got == 9);
  CHECK(weir::select(weir::on_recv(rx, [](auto) { return 1; }), weir::after(1ms, [] { return 2; })) == 2);
}

TEST_CASE("threads and actors select against each other, and nothing is lost") {
  auto up = weir::channel<int>(0);
  auto down = weir::channel<int>(2);
  const int each = rounds(2000);
  std::atomic<int> sent{0}, received{0}, late{0};
  const auto traffic = [&, up, down] {
    for (int i = 0; i < each; ++i) {
      const auto count = [&](std::optional<int> v) { received += v.has_value(); };
      weir::select(weir::on_send(up.tx, 1, [&](bool ok) { sent += ok; }), weir::on_recv(up.rx, count),
                   weir::on_send(down.tx, 1, [&](bool ok) { sent += ok; }), weir::on_recv(down.rx, count),
                   weir::after(1h, [&] { ++late; }));
    }
  };
  std::thread one(traffic), two(traffic);
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      s.spawn("one", [&] { traffic(); });
      s.spawn("two", [&] { traffic(); });
    });
  });
  one.join();
  two.join();
  CHECK(late == 0);
  CHECK(sent - received == static_cast<int>(down.rx.length()));
  CHECK(sent + received == 4 * each);
}

TEST_CASE("on a plain thread a deadline ends a parked select, not early, and so does a close") {
  auto [tx, rx] = weir::channel<int>(0);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(weir::select(weir::on_recv(rx, [](auto) { return 1; }), weir::after(20ms, [] { return 2; })) == 2);
  CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
  CHECK(rx.waiting() == 0);
  std::thread closer([&, rx = rx] {
    while (rx.waiting() == 0) std::this_thread::yield();
    rx.close();
  });
  CHECK(weir::select(weir::on_recv(rx, [](auto v) { return v ? 1 : 3; }), weir::after(1h, [] { return 2; })) == 3);
  closer.join();
}

TEST_CASE("a cancel ends a parked select, which leaves nothing behind") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    auto a =
        weir::spawn("selecter", [rx = rx] { weir::select(weir::on_recv(rx, [](auto) {}), weir::after(1h, [] {})); });
    eventually([&] { return rx.waiting() == 1; });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(rx.waiting() == 0);
  });
}

TEST_CASE("while unwinding from a cancel, select runs otherwise, else one channel case as closed") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::atomic<int> closed{0}, other{0};
    struct cleanup {
      weir::receiver<int> rx;
      std::atomic<int>&closed, &other;
      ~cleanup() {
        weir::select(weir::on_recv(rx, [&](std::optional<int> v) { closed += !v.has_value(); }),
                     weir::after(1h, [] {}));
        weir::select(weir::on_recv(rx, [](auto) {}), weir::otherwise([&] { ++other; }));
      }
    };
    auto a = weir::spawn("cleaner", [&, rx = rx] {
      cleanup c{rx, closed, other};
      weir::this_actor::sleep(weir::deadline::never());
    });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(closed == 1);
    CHECK(other == 1);
  });
}

TEST_CASE("on_closed waits for the end of a channel that one does not send on, also by a weak sender") {
  in_actor([] {
    const auto ended = [](const auto& handle) {
      return weir::select(weir::on_closed(handle, [] { return true; }), weir::otherwise([] { return false; }));
    };
    for (const int how : {0, 1, 2}) {
      auto [tx, rx] = weir::channel<int>(2);
      const auto weak = tx.weak();
      CHECK_FALSE(ended(tx));
      CHECK_FALSE(ended(weak));
      CHECK(tx.send(1));
      weir::with_scope([&, rx = std::move(rx)](weir::scope& s) mutable {
        s.spawn([&tx = tx] { weir::select(weir::on_closed(tx, [] {})); });
        s.spawn([&weak] { weir::select(weir::on_closed(weak, [] {})); });
        weir::this_actor::yield();
        if (how == 0) rx.reset();
        if (how == 1) rx.close();
        if (how == 2) tx.close("enough");
      });
      CHECK(ended(tx));  // for ever
      CHECK(ended(weak));
    }
    auto [tx, rx] = weir::channel<int>(2);
    const auto weak = tx.weak();
    tx.reset();
    CHECK(ended(weak));
    CHECK_THROWS_AS(weir::on_closed(tx, [] {}), weir::misuse);
  });
}

TEST_CASE("on_closed: every end of a channel is heard, and a select that goes on leaves no waiter behind") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      auto [tx, rx] = weir::channel<int>(1);
      auto [stop, stopped] = weir::channel<int>(1);
      auto watcher = weir::spawn([tx = tx, stopped = stopped] {
        return weir::select(weir::on_closed(tx, [] { return 'c'; }),
                            weir::on_recv(stopped, [](std::optional<int>) { return 's'; }));
      });
      if (i % 3 == 0) weir::this_actor::yield();
      if (i % 2 == 0)
        rx.reset();
      else
        stop.send(1);
      CHECK(watcher.join() == "cs"[i % 2]);
    }
  });
}
