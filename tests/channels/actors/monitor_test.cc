#include "weir/channels/actors/monitor.h"

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
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

TEST_CASE("a monitor gives each exit reason exactly once, in the order of the ends") {
  in_actor([] {
    weir::monitor m;
    auto [tx, rx] = weir::channel<int>(0);
    auto last = weir::spawn("last", [rx = rx] { rx.recv(); });
    auto failing = weir::spawn("failing", [] { throw std::runtime_error("x"); });
    m.watch(last);
    m.watch(failing);
    CHECK(m.left() == 2);

    const std::optional<weir::exit_notice> first = m.recv();
    REQUIRE(first);
    CHECK(first->name == "failing");
    CHECK(first->how == weir::exit_how::failed);
    CHECK(m.try_recv().status() == weir::recv_status::empty);
    CHECK(m.recv(1ms).status() == weir::recv_status::timeout);
    tx.send(1);
    const auto second = m.recv(1h);
    REQUIRE(second.status() == weir::recv_status::ok);
    CHECK(m.left() == 0);
    CHECK_FALSE(m.recv());
    CHECK(m.try_recv().status() == weir::recv_status::closed);
    CHECK_THROWS(failing.join());
  });
}

TEST_CASE("watching an actor that has ended already delivers at once") {
  in_actor([] {
    auto a = weir::spawn("early", [] {});
    a.join();
    weir::monitor m;
    m.watch(a);
    const auto n = m.try_recv();
    REQUIRE(n);
  });
}

TEST_CASE("a monitor is a range that ends when no watched actor is left") {
  in_actor([] {
    std::vector<weir::actor<void>> actors;
    weir::monitor m;
    for (int i = 0; i < 50; ++i) {
      actors.push_back(weir::spawn("a", [i] {
        for (int k = 0; k < i % 7; ++k) weir::this_actor::yield();
      }));
      m.watch(actors.back());
    }
    std::set<std::uint64_t> seen;
    for (const weir::exit_notice& n : m) CHECK(seen.insert(n.id).second);
    CHECK(seen.size() == 50);
  });
}

TEST_CASE("a monitor is a case of select, and more actors may be watched from a body") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      auto [tx, rx] = weir::channel<int>(1);
      weir::monitor m;
      int notices = 0, values = 0;
      m.watch(s.spawn([] {}));
      s.spawn("sender", [tx = std::move(tx)] { tx.send(1); });
      while (weir::select(weir::on_exit(m,
                                        [&](std::optional<weir::exit_notice> n) {
                                          EXPECT(n.has_value());
                                          if (++notices < 10) m.watch(s.spawn([] { weir::this_actor::yield(); }));
                                        })
                              .when(m.left() > 0),
                          weir::on_recv(rx, [&](std::optional<int> v) {
                            if (v) ++values;
                            return v.has_value() || m.left() > 0;
                          }))) {
      }
      CHECK(notices == 10);
      CHECK(values == 1);
      CHECK(weir::select(weir::on_exit(m, [](std::optional<weir::exit_notice> n) { return n ? 1 : 2; })) == 2);
    });
  });
}

TEST_CASE("a monitor that goes forgets whom it watches, at any moment of their ends") {
  in_actor([] {
    for (int i = 0; i < rounds(2'000); ++i) {
      auto a = weir::spawn([] {});
      auto b = weir::spawn([] { weir::this_actor::yield(); });
      weir::monitor m;
      m.watch(a);
      m.watch(b);
      if (i % 3 == 0) weir::this_actor::yield();
      if (i % 5 == 0) (void)m.try_recv();
    }
  });
}

TEST_CASE("a watched actor outlives its handles until its notice is taken, and no longer") {
  in_actor([] {
    weir::monitor m;
    auto value = std::make_shared<int>(5);
    std::weak_ptr<int> alive = value;
    weir::with_scope([&](weir::scope& s) { m.watch(s.spawn([v = std::move(value)] { return v; })); });
    CHECK_FALSE(alive.expired());  // its result
    REQUIRE(m.recv());
    CHECK(alive.expired());
  });
}

TEST_CASE("a monitor on a plain thread watches actors too") {
  weir::runtime r({.workers = 2});
  weir::monitor m;
  auto a = r.spawn("a", [] { weir::this_actor::sleep(1ms); });
  m.watch(a);
  const auto n = m.recv();
  REQUIRE(n);
  CHECK(n->name == "a");
}

TEST_CASE("watching oneself is misuse; in a cancelled scope an empty monitor throws cancelled instead of being over") {
  in_actor([] {
    weir::monitor none;
    weir::with_scope([&](weir::scope& s) {
      auto [tx, rx] = weir::channel<weir::actor_ref<void>>(1);
      tx.send(s.spawn("self", [rx = rx] {
        weir::monitor m;
        const auto me = *rx.recv();
        try {
          m.watch(me);
          EXPECT(false);
        } catch (const weir::misuse&) {
        }
        EXPECT(m.left() == 0);
      }));
    });
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      try {
        none.recv();
        EXPECT(false);
      } catch (const weir::cancelled&) {
        throw;
      }
    });
  });
}

TEST_CASE("actors that end on all workers at once: each notice comes exactly once, by recv and by select") {
  in_actor(
      [] {
        for (int round = 0; round < rounds(100); ++round) {
          weir::monitor m;
          std::map<std::uint64_t, int> seen;
          std::vector<weir::actor<void>> actors;
          constexpr int count = 100;
          for (int i = 0; i < count; ++i) {
            actors.push_back(weir::spawn([i] {
              if (i % 3) weir::this_actor::yield();
            }));
            m.watch(actors.back());
          }
          for (int i = 0; i < count; ++i) {
            std::optional<weir::exit_notice> n;
            if (i % 2)
              n = m.recv();
            else
              weir::select(weir::on_exit(m, [&](auto taken) { n = std::move(taken); }),
                           weir::after(60s, [] { EXPECT(false); }));
            REQUIRE(n);
            ++seen[n->id];
          }
          REQUIRE(seen.size() == count);
          REQUIRE(m.left() == 0);
        }
      },
      4);
}
