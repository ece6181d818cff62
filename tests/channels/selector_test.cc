#include "weir/channels/selector.h"

#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

TEST_CASE("a selector serves as many channels as were added, and forgets those that are removed") {
  in_actor([] {
    constexpr int sources = 100, each = 50;
    std::vector<weir::channel_ends<int>> channels;
    weir::selector s;
    std::map<weir::selector::id, int> open;
    int sum = 0, closed = 0;
    for (int k = 0; k < sources; ++k) channels.push_back(weir::channel<int>(k % 3));
    weir::with_scope([&](weir::scope& actors) {
      for (int k = 0; k < sources; ++k) {
        auto& rx = channels[static_cast<std::size_t>(k)].rx;
        auto seen = std::make_shared<weir::selector::id>();
        *seen = s.add(weir::on_recv(rx, [&, seen](std::optional<int> v) {
          if (v) {
            sum += *v;
          } else {
            ++closed;
            CHECK(s.remove(*seen));
          }
        }));
        open[*seen] = k;
        actors.spawn([tx = std::move(channels[static_cast<std::size_t>(k)].tx)] {
          for (int i = 1; i <= each; ++i) EXPECT(tx.send(i));
        });
      }
      CHECK(s.size() == sources);
      while (s.size() > 0) CHECK(open.count(s.select()) == 1);
    });
    CHECK(closed == sources);
    CHECK(sum == sources * each * (each + 1) / 2);
    for (auto& c : channels) CHECK(c.rx.waiting() == 0);
  });
}

TEST_CASE("a selector tells by its id which case went, also when it has to wait") {
  in_actor([] {
    auto a = weir::channel<int>(0);
    auto b = weir::channel<int>(0);
    weir::selector s;
    int got = 0;
    const auto from_a = s.add(weir::on_recv(a.rx, [&](auto v) { got = *v; }));
    const auto from_b = s.add(weir::on_recv(b.rx, [&](auto v) { got = 10 * *v; }));
    CHECK(from_a != from_b);
    auto sender = weir::spawn("sender", [&] {
      b.tx.send(3);
      a.tx.send(4);
    });
    CHECK(s.select() == from_b);
    CHECK(got == 30);
    CHECK(s.select() == from_a);
    CHECK(got == 4);
    CHECK(a.rx.waiting() == 0);
    CHECK(b.rx.waiting() == 0);
  });
}

TEST_CASE("of cases that are always ready each goes as often as the others, in no fixed order") {
  in_actor([] {
    constexpr int sources = 8;
    std::vector<weir::channel_ends<int>> channels;
    weir::selector s;
    int share[sources] = {};
    std::vector<int> order;
    for (int k = 0; k < sources; ++k) {
      channels.push_back(weir::channel<int>(1));
      auto& [tx, rx] = channels.back();
      tx.send(1);
      s.add(weir::on_recv(rx, [&, k, tx = tx](auto) {
        ++share[k];
        order.push_back(k);
        tx.send(1);
      }));
    }
    for (int i = 0; i < sources * 200; ++i) s.select();
    std::set<std::vector<int>> orders;
    for (int n : share) CHECK(n == 200);  // each look serves all it found
    for (std::size_t i = 0; i < order.size(); i += sources)
      orders.emplace(order.begin() + static_cast<long>(i), order.begin() + static_cast<long>(i) + sources);
    CHECK(orders.size() > 150);
  });
}

TEST_CASE("classes hold in a selector: what becomes ready in a lower one goes next") {
  in_actor([] {
    auto plain = weir::channel<int>(10);
    auto other = weir::channel<int>(10);
    auto urgent = weir::channel<int>(10);
    weir::selector s;
    std::string order;
    s.add(weir::on_recv(plain.rx, [&](auto) {
            order += 'p';
            if (order.size() == 3) urgent.tx.send(1);
          }).priority(1));
    s.add(weir::on_recv(other.rx, [&](auto) {
            order += 'p';
            if (order.size() == 3) urgent.tx.send(1);
          }).priority(1));
    s.add(weir::on_recv(urgent.rx, [&](auto) { order += 'u'; }));
    for (int i = 0; i < 4; ++i) plain.tx.send(i), other.tx.send(i);
    for (int i = 0; i < 9; ++i) s.select();
    CHECK(order == "pppuppppp");
  });
}

TEST_CASE("cases are switched on and off, and otherwise goes if none is ready") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    tx.send(1);
    weir::selector s;
    int others = 0;
    const auto recv = s.add(weir::on_recv(rx, [](auto) {}).when(false));
    const auto none = s.add(weir::otherwise([&] { ++others; }));
    CHECK(s.select() == none);
    s.when(recv, true);
    CHECK(s.select() == recv);
    CHECK(s.select() == none);
    CHECK(others == 2);
    CHECK(s.remove(none));
    tx.send(2);
    CHECK(s.select() == recv);
    CHECK(rx.waiting() == 0);
  });
}

TEST_CASE("a case of on_send or after goes once; the operand is the selector's until then") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(0);
    weir::selector s;
    bool sent = false;
    const auto send = s.add(weir::on_send(tx, std::make_unique<int>(7), [&](bool ok) { sent = ok; }));
    const auto late = s.add(weir::after(5ms, [] {}));
    CHECK(s.select() == late);
    CHECK_FALSE(s.contains(late));
    auto receiver = weir::spawn("receiver", [rx = rx] { EXPECT(**rx.recv() == 7); });
    CHECK(s.select() == send);
    CHECK(sent);
    CHECK(s.size() == 0);
  });
}

TEST_CASE("a body may add and remove cases, its own too, and may throw") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    for (int i = 0; i < 4; ++i) tx.send(i);
    weir::selector s;
    int second = 0;
    weir::selector::id first{};
    auto held = std::make_shared<int>(0);
    first = s.add(weir::on_recv(rx, [&, held](auto) {
      CHECK(s.remove(first));
      ++*held;  // the body lives until it returns
      s.add(weir::on_recv(rx, [&](auto) {
        if (++second == 1) throw std::runtime_error("body");
      }));
    }));
    CHECK(s.select() == first);
    CHECK(held.use_count() == 1);
    CHECK_THROWS_AS(s.select(), std::runtime_error);
    s.select();
    CHECK(second == 2);
    CHECK_FALSE(s.remove(first));
  });
}

TEST_CASE("misuse of a selector says what is wrong") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(1);
    tx.send(1);
    weir::selector s;
    CHECK_THROWS_WITH(s.select(), Catch::Contains("select: at least one case must be enabled, got 0 cases"));
    const auto id = s.add(weir::on_recv(rx, [&](auto) { s.select(); }));
    CHECK_THROWS_WITH(s.select(),
                      Catch::Contains("a body must not select on its own selector, got the body of case 1"));
    s.when(id, false);
    CHECK_THROWS_WITH(s.select(), Catch::Contains("got 1 cases, all disabled"));
    CHECK(s.remove(id));
    CHECK_THROWS_WITH(s.when(id, true), Catch::Contains("must be that of a case which is in the selector, got id 1"));
    s.add(weir::otherwise([] {}));
    CHECK_THROWS_WITH(s.add(weir::otherwise([] {})), Catch::Contains("there can be one otherwise"));
  });
}

TEST_CASE(
    "a cancel ends a selector's wait, which leaves nothing behind; while unwinding one channel case is as closed") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    int closed = 0;
    struct at_end {
      weir::selector& s;
      ~at_end() { s.select(); }
    };
    auto a = weir::spawn("selecting", [&] {
      weir::selector s;
      s.add(weir::on_recv(rx, [&](auto v) { closed += !v.has_value(); }));
      s.add(weir::after(1h, [] {}));
      const at_end later{s};
      s.select();
    });
    eventually([&, rx = rx] { return rx.waiting() == 1; });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(rx.waiting() == 0);
    CHECK(closed == 1);
  });
}

TEST_CASE("a selector works on a plain thread, against senders everywhere") {
  std::vector<weir::channel_ends<int>> channels;
  for (int k = 0; k < 20; ++k) channels.push_back(weir::channel<int>(k % 2));
  const int each = rounds(200);
  std::vector<std::thread> threads;
  weir::runtime r({.workers = testing::workers()});
  for (auto& c : channels) {
    const auto traffic = [tx = std::move(c.tx), each] {
      for (int i = 0; i < each; ++i) EXPECT(tx.send(1));
    };
    if (threads.size() < 4)
      threads.emplace_back(traffic);
    else
      r.spawn("sender", traffic).detach();
  }
  weir::selector s;
  int sum = 0, open = 20;
  for (auto& c : channels) {
    auto self = std::make_shared<weir::selector::id>();
    *self = s.add(weir::on_recv(c.rx, [&, self](std::optional<int> v) {
      sum += v.value_or(0);
      if (!v) --open, s.remove(*self);
    }));
  }
  while (open > 0) s.select();
  for (std::thread& t : threads) t.join();
  CHECK(sum == 20 * each);
  testing::check_expectations();
}
