// Selects against selects, closes, drops, cancels and failures; what they leave behind, and whether each case gets its
// share.
#include <malloc.h>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

namespace {

// The k-th of several that shall truly run at once: on workers of their own, as long as there are some.
weir::spawn_options apart(int k) { return {.pinned = k % testing::workers()}; }
weir::spawn_options anywhere(int) { return {}; }

}  // namespace

TEST_CASE("selects in a circle meet for ever with nobody to help them, and each value is sent and received once") {
  const int around = GENERATE(1, 2, 3, 5, 8);
  const int capacity = GENERATE(0, 1);
  const auto where = GENERATE(apart, anywhere);
  in_actor([&] {
    std::vector<weir::channel_ends<int>> ring;
    for (int i = 0; i < around; ++i) ring.push_back(weir::channel<int>(capacity));
    std::atomic<long> sent{0}, received{0};
    const long enough = rounds(10'000);
    weir::with_scope([&](weir::scope& s) {
      // With one channel two actors, as a select never meets itself.
      for (int i = 0; i < std::max(around, 2); ++i)
        s.spawn(
            "in the circle",
            [&, i] {
              auto& to = ring[static_cast<std::size_t>(i % around)];
              auto& from = ring[static_cast<std::size_t>((i + around - 1) % around)];
              bool open = true;
              while (open) {
                weir::select(weir::on_send(to.tx, 1, [&](bool ok) { ok ? ++sent, 0 : open = false; }),
                             weir::on_recv(from.rx, [&](std::optional<int> v) { v ? ++received, 0 : open = false; }));
                if (received >= enough)
                  for (auto& c : ring) c.tx.close();
              }
            },
            where(i));
    });
    for (auto& c : ring)
      while (c.rx.try_recv()) ++received;
    CHECK(sent == received);
    CHECK(received >= enough);
  });
}

TEST_CASE("a select that sends to and receives from one buffered channel fills and drains it by turns") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    for (int i = 0; i < rounds(1000); ++i) {
      const int what = weir::select(weir::on_send(tx, i / 2, [] { return -1; }),
                                    weir::on_recv(rx, [](std::optional<int> v) { return *v; }),
                                    weir::on_recv(rx, [](std::optional<int> v) { return *v; }));
      REQUIRE(what == (i % 2 == 0 ? -1 : i / 2));
    }
  });
}

TEST_CASE("a select with several cases on one channel completes one of them, whoever it meets") {
  const int capacity = GENERATE(0, 1, 3);
  in_actor([capacity] {
    auto [tx, rx] = weir::channel<int>(capacity);
    std::atomic<long> in{0}, out{0};
    const int n = rounds(3000);
    weir::with_scope([&](weir::scope& s) {
      for (int k = 0; k < 2; ++k)
        s.spawn(
            "both ways",
            [&, tx = tx, rx = rx] {
              // Enough must go through: more rounds for whoever was alone for long, as nobody else had a core.
              for (int i = 0; i < n || in <= n / 2; ++i)
                weir::select(weir::on_send(tx, 1, [&](bool ok) { in += ok; }),
                             weir::on_recv(rx, [&](std::optional<int> v) { out += v.value_or(0); }),
                             weir::on_send(tx, 1, [&](bool ok) { in += ok; }),
                             weir::on_recv(rx, [&](std::optional<int> v) { out += v.value_or(0); }),
                             weir::after(1ms, [] {}));
            },
            apart(k));
      s.spawn("sends", [&, tx = tx] {
        for (int i = 0; i < n; ++i) in += tx.send(1, 10us) == weir::send_status::ok;
      });
      s.spawn("receives", [&, rx = rx] {
        for (int i = 0; i < n; ++i) out += bool(rx.recv(10us));
      });
    });
    while (rx.try_recv()) ++out;
    CHECK(in == out);
    CHECK(in > n / 2);
    CHECK(rx.waiting() + tx.waiting() == 0);
  });
}

TEST_CASE("otherwise never runs while one of many channels holds the token, however long the look takes") {
  // The six channels between the two make the look long: the token has time to go from the one that is looked at last
  // to the one that was looked at first.
  in_actor([] {
    std::array<weir::channel_ends<int>, 6> empty;
    for (auto& c : empty) c = weir::channel<int>(1);
    auto a = weir::channel<int>(2), b = weir::channel<int>(2);
    a.tx.send(1);
    std::atomic<bool> stop{false};
    int wrong = 0;
    auto mover = weir::spawn(
        "moves",
        [&] {
          while (!stop) {
            b.tx.send(1);
            a.rx.recv();
            a.tx.send(1);
            b.rx.recv();
            if (testing::workers() == 1) weir::this_actor::yield();
          }
        },
        apart(1));
    auto looker = weir::spawn(
        "looks",
        [&] {
          const auto none = [](auto) { return -2; };
          for (int i = 0; i < rounds(50'000); ++i) {
            const int from = weir::select(weir::on_recv(a.rx, [](auto) { return 0; }), weir::on_recv(empty[0].rx, none),
                                          weir::on_recv(empty[1].rx, none), weir::on_recv(empty[2].rx, none),
                                          weir::on_recv(empty[3].rx, none), weir::on_recv(empty[4].rx, none),
                                          weir::on_recv(empty[5].rx, none), weir::on_recv(b.rx, [](auto) { return 1; }),
                                          weir::otherwise([] { return -1; }));
            if (from == 0) a.tx.send(1);
            if (from == 1) b.tx.send(1);
            wrong += from < 0;
            if (i % 16 == 0) weir::this_actor::yield();
          }
        },
        apart(0));
    looker.join();
    stop = true;
    // The mover may wait for the token at either side, or for room.
    a.tx.close(), b.tx.close();
    mover.join();
    CHECK(wrong == 0);
  });
}

TEST_CASE("a hundred thousand lost selects leave no waiter, no timer and no memory behind") {
  in_actor([] {
    auto quiet = weir::channel<int>(0), full = weir::channel<int>(1), busy = weir::channel<int>(0);
    full.tx.send(1);
    std::atomic<bool> stop{false};
    auto feeder = weir::spawn("feeds", [&] {
      while (!stop) busy.tx.send(1, 10ms);
    });
    const auto lose = [&](int n) {
      for (int i = 0; i < n; ++i)
        weir::select(weir::on_recv(quiet.rx, [](auto) { FAIL("nobody sends"); }),
                     weir::on_send(full.tx, 1, [] { FAIL("nobody receives"); }), weir::on_recv(busy.rx, [](auto) {}),
                     weir::after(1h, [] { FAIL("not yet"); }));
    };
    lose(1000);  // what is allocated once is there
    const auto before = mallinfo2().uordblks;
    lose(rounds(100'000));
    const auto after = mallinfo2().uordblks;
    CHECK(quiet.rx.waiting() == 0);
    CHECK(full.tx.waiting() == 0);
    CHECK(busy.rx.waiting() == 0);
    // One byte in ten selects would show. The sanitizers' allocators keep no such account.
    if (weir::internal::slowdown == 1) CHECK(after < before + 10'000);
    stop = true;
    busy.rx.close();
    feeder.join();
  });
}

TEST_CASE(
    "when the last end of the other side goes, all who wait there are woken, and keep what they would have sent") {
  in_actor([] {
    for (int i = 0; i < rounds(500); ++i) {
      auto [tx, rx] = weir::channel<std::unique_ptr<int>>(1);
      auto other = weir::channel<int>(0);
      REQUIRE(tx.send(std::make_unique<int>(0)));
      std::atomic<int> kept{0};
      weir::with_scope([&](weir::scope& s) {
        for (int k = 0; k < 3; ++k)
          s.spawn("sends", [&, tx = tx] {
            auto value = std::make_unique<int>(1);
            EXPECT(!tx.send(std::move(value)));
            kept += value != nullptr;
          });
        for (int k = 0; k < 3; ++k)
          s.spawn("selects", [&, tx = tx] {
            auto value = std::make_unique<int>(1);
            weir::select(weir::on_recv(other.rx, [](auto) { EXPECT(!"nobody sends"); }),
                         weir::on_send(tx, std::move(value), [&](bool sent) { EXPECT(!sent); }));
            kept += value != nullptr;
          });
        if (i % 2) eventually([&] { return tx.waiting() == 6; });
        rx.reset();
      });
      REQUIRE(kept == 6);
      REQUIRE(tx.waiting() + other.rx.waiting() == 0);
    }
  });
}

TEST_CASE("when the last sender goes, selects and receives that wait see the end") {
  in_actor([] {
    for (int i = 0; i < rounds(500); ++i) {
      auto [tx, rx] = weir::channel<int>(1);
      auto other = weir::channel<int>(0);
      std::atomic<int> ended{0};
      weir::with_scope([&](weir::scope& s) {
        for (int k = 0; k < 3; ++k) {
          s.spawn("receives", [&, rx = rx] { ended += !rx.recv(); });
          s.spawn("selects", [&, rx = rx] {
            weir::select(weir::on_recv(rx, [&](std::optional<int> v) { ended += !v; }),
                         weir::on_send(other.tx, 1, [] { EXPECT(!"nobody receives"); }));
          });
        }
        if (i % 2) eventually([&] { return rx.waiting() == 6; });
        tx.reset();
      });
      REQUIRE(ended == 6);
      REQUIRE(rx.waiting() + other.tx.waiting() == 0);
    }
  });
}

TEST_CASE("cancel against a select that registers, waits or completes: what was sent is received") {
  in_actor([] {
    auto a = weir::channel<int>(0), b = weir::channel<int>(1);
    std::atomic<long> sent{0}, received{0};
    auto consumer = weir::spawn("consumes", [&, a = a.rx, b = b.rx] {
      bool open[2] = {true, true};
      while (open[0] || open[1])
        weir::select(
            weir::on_recv(a, [&](std::optional<int> v) { v ? ++received, 0 : open[0] = false; }).when(open[0]),
            weir::on_recv(b, [&](std::optional<int> v) { v ? ++received, 0 : open[1] = false; }).when(open[1]));
    });
    for (int i = 0; i < rounds(5000); ++i) {
      auto victim = weir::spawn("victim", [&sent, a = a.tx, b = b.tx, rx = b.rx] {
        for (;;)
          weir::select(weir::on_send(a, 1, [&](bool ok) { sent += ok; }),
                       weir::on_send(b, 1, [&](bool ok) { sent += ok; }), weir::after(1h, [] {}));
      });
      for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
      for (int k = 0; k < i % 97; ++k) asm volatile("");
      victim.cancel();
      victim.wait();
      if (a.tx.waiting() != 0) FAIL("a cancelled select is still registered, in round " << i);
    }
    a.tx.reset(), b.tx.reset();
    a.rx.reset(), b.rx.reset();
    consumer.join();
    CHECK(sent == received);
    CHECK(sent > 0);
  });
}

TEST_CASE("an actor's failure ends the select in which the scope's body or another actor waits") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      auto [tx, rx] = weir::channel<int>(0);
      std::atomic<int> unwound{0};
      struct mark {
        std::atomic<int>& n;
        ~mark() { ++n; }
      };
      const auto wait = [&] {
        mark m{unwound};
        weir::select(weir::on_recv(rx, [](auto) { EXPECT(!"nobody sends"); }), weir::after(1h, [] {}));
        EXPECT(!"went on");
      };
      try {
        weir::with_scope([&](weir::scope& s) {
          s.spawn("waits", wait);
          s.spawn("fails", [&, i] {
            if (i % 2) eventually([&] { return rx.waiting() == 2; });
            throw std::runtime_error("the reason");
          });
          wait();
        });
        FAIL("the failure did not come out");
      } catch (const std::runtime_error& e) {
        REQUIRE(std::string(e.what()) == "the reason");
      }
      REQUIRE(unwound == 2);
      REQUIRE(rx.waiting() == 0);
    }
  });
}

TEST_CASE("of eight cases that are ready, of all kinds, each is chosen in more than a tenth of the rounds") {
  // Not scaled down: the bound is 7 standard deviations away.
  const int n = 10'000;
  const auto share = [] {
    auto a = weir::channel<int>(1), b = weir::channel<int>(1), c = weir::channel<int>(1), d = weir::channel<int>(1);
    auto closed = weir::channel<int>(0);
    closed.tx.close();
    std::array<int, 8> chosen{};
    for (int i = 0; i < n; ++i) {
      weir::timer due(0s);
      (void)a.tx.try_send(1), (void)b.tx.try_send(1);
      (void)c.rx.try_recv(), (void)d.rx.try_recv();
      weir::select(weir::on_recv(a.rx, [&](auto) { ++chosen[0]; }), weir::on_recv(b.rx, [&](auto) { ++chosen[1]; }),
                   weir::on_send(c.tx, 1, [&] { ++chosen[2]; }), weir::on_send(d.tx, 1, [&] { ++chosen[3]; }),
                   weir::on_recv(closed.rx, [&](auto) { ++chosen[4]; }), weir::on_timer(due, [&] { ++chosen[5]; }),
                   weir::on_recv(a.rx, [&](auto) { ++chosen[6]; }), weir::after(0s, [&] { ++chosen[7]; }),
                   weir::otherwise([] { FAIL("all were ready"); }));
    }
    for (const int k : chosen) CHECK(k > n / 10);
  };
  in_actor(share, 1);
  share();  // on a plain thread
}

TEST_CASE("of four who wait at one channel each gets more than a tenth, whether it receives, sends or selects") {
  // One worker: how the system shares its cores among workers is not what is counted.
  in_actor(
      [] {
        const int n = 10'000;
        auto there = weir::channel<int>(0);
        auto back = weir::channel<std::size_t>(0);
        std::array<int, 4> got{}, given{};
        weir::with_scope([&](weir::scope& s) {
          for (std::size_t k = 0; k < 4; ++k)
            s.spawn("receives, then sends", [&, k, rx = there.rx, tx = back.tx] {
              const auto mine = [&](std::optional<int> v) { return v && ++got[k]; };
              while (k % 2 ? mine(rx.recv()) : weir::select(weir::on_recv(rx, mine), weir::after(1h, [] {})))
                if (k < 2)
                  tx.send(k);
                else
                  weir::select(weir::on_send(tx, k, [] {}), weir::after(1h, [] {}));
            });
          s.spawn("sends", [tx = std::move(there.tx)] {
            for (int i = 0; i < n; ++i) tx.send(i);
          });
          back.tx.reset();
          for (const std::size_t k : back.rx) ++given[k];
        });
        CAPTURE(got, given);
        for (const int g : got) CHECK(g > n / 10);
        CHECK(got == given);
      },
      1);
}

TEST_CASE("a value or a place that comes while a select looks or registers is not missed") {
  // The cases that are never ready make the select long.
  in_actor([] {
    std::array<weir::channel_ends<int>, 4> empty;
    for (auto& c : empty) c = weir::channel<int>(1);
    auto there = weir::channel<int>(1), back = weir::channel<int>(1);
    const int n = rounds(20'000);
    const auto never = [](auto) { EXPECT(!"nobody sends"); };
    const auto one = [&](auto wanted) {
      weir::select(weir::on_recv(empty[0].rx, never), weir::on_recv(empty[1].rx, never), std::move(wanted),
                   weir::on_recv(empty[2].rx, never), weir::on_recv(empty[3].rx, never),
                   weir::after(1h, [] { EXPECT(!"missed what came"); }));
    };
    weir::with_scope([&](weir::scope& s) {
      s.spawn(
          "there",
          [&] {
            for (int i = 0; i < n; ++i) {
              for (int k = i % 64; k > 0; --k) asm volatile("");
              one(weir::on_send(there.tx, i, [] {}));
              one(weir::on_recv(back.rx, [i](std::optional<int> v) { EXPECT(v == i); }));
            }
          },
          apart(0));
      s.spawn(
          "back",
          [&] {
            for (int i = 0; i < n; ++i) {
              one(weir::on_recv(there.rx, [i](std::optional<int> v) { EXPECT(v == i); }));
              for (int k = i % 61; k > 0; --k) asm volatile("");
              one(weir::on_send(back.tx, i, [] {}));
            }
          },
          apart(1));
    });
  });
}
