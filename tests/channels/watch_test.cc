#include "weir/channels/watch.h"

#include <atomic>
#include <memory>
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
using weir::recv_status;

namespace {

const auto long_past = weir::deadline(std::chrono::steady_clock::now() - 1s);

}  // namespace

TEST_CASE("a watch begins with its initial value, which its receivers have seen") {
  in_actor([] {
    auto [tx, rx] = weir::watch<std::string>("first");
    CHECK(*rx.get() == "first");
    CHECK(rx.get()->size() == 5);
    CHECK_FALSE(rx.has_changed());
    CHECK(rx.try_changed().status() == recv_status::empty);
    tx.set("second");
    auto late = tx.subscribe();
    CHECK(rx.has_changed());
    CHECK_FALSE(late.has_changed());
    CHECK(*late.get() == "second");
    CHECK(*tx.get() == "second");
    CHECK(tx.receivers() == 2);
  });
}

TEST_CASE("changed gives the latest value, and version tells how many were skipped") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    for (int i = 1; i <= 5; ++i) tx.set(i);
    auto v = rx.changed();
    REQUIRE(v);
    CHECK(*v == 5);
    CHECK(v.version() == 6);
    CHECK_FALSE(rx.has_changed());
    tx.set(6);
    CHECK(*rx.get() == 6);  // get marks it as seen too
    CHECK(rx.try_changed().status() == recv_status::empty);
  });
}

TEST_CASE("a value that was taken stays as it was while the watch goes on") {
  in_actor([] {
    auto [tx, rx] = weir::watch<std::string>("old");
    const weir::watch_value<std::string> kept = rx.get();
    tx.set("new");
    tx.reset();
    rx.reset();
    CHECK(*kept == "old");
  });
}

TEST_CASE("a copy of a receiver has seen what the original had seen") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    tx.set(1);
    auto copy = rx;
    CHECK(*copy.changed() == 1);
    CHECK(rx.has_changed());
    copy = rx;
    CHECK(copy.has_changed());
    CHECK(*rx.changed() == 1);
  });
}

TEST_CASE("set wakes everybody who waits, each with the value") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    std::atomic<int> sum{0};
    const int crowd = 100;  // more than are served in one hold of the lock
    weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
      for (int i = 0; i < crowd; ++i)
        s.spawn("watcher", [&sum, rx = rx] {
          auto v = rx.changed();
          EXPECT(v);
          sum += *v;
        });
      eventually([&] { return rx.waiting() == crowd; });
      tx.set(3);
    });
    CHECK(sum == 3 * crowd);
  });
}

TEST_CASE("several that wait on one handle are all woken") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    std::atomic<int> sum{0};
    weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
      for (int i = 0; i < 3; ++i) s.spawn("watcher", [&] { sum += *rx.changed(); });
      eventually([&] { return rx.waiting() == 3; });
      tx.set(1);
    });
    CHECK(sum == 3);
  });
}

TEST_CASE("the last sender to go closes; a value not seen yet comes first") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    auto second = tx;
    tx.reset();
    second.set(1);
    auto waiter = weir::spawn("waiter", [rx = rx] {
      EXPECT(*rx.changed() == 1);
      EXPECT(!rx.changed());
    });
    eventually([&] { return rx.waiting() == 1; });
    second.reset();
    waiter.join();
    CHECK(*rx.changed() == 1);
    CHECK_FALSE(rx.changed());
    CHECK(rx.changed(1h).status() == recv_status::closed);
    CHECK(rx.try_changed().status() == recv_status::closed);
    CHECK(*rx.get() == 1);  // the value stays
    CHECK(rx.get().version() == 2);
  });
}

TEST_CASE("without receivers a set still counts for those who come later") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    rx.reset();
    CHECK(tx.receivers() == 0);
    tx.set(4);
    CHECK(*tx.subscribe().get() == 4);
  });
}

TEST_CASE("update changes the latest value, and bool false leaves it") {
  in_actor([] {
    auto [tx, rx] = weir::watch<std::vector<int>>({1});
    CHECK(tx.update([](std::vector<int>& v) { v.push_back(2); }));
    CHECK(*rx.changed() == std::vector{1, 2});
    CHECK_FALSE(tx.update([](std::vector<int>& v) {
      v.clear();
      return false;
    }));
    CHECK_FALSE(rx.has_changed());
    CHECK_THROWS_AS(tx.update([](std::vector<int>&) { throw std::runtime_error("no"); }), std::runtime_error);
    CHECK_FALSE(rx.has_changed());
    CHECK(*rx.get() == std::vector{1, 2});
    CHECK_THROWS_AS(tx.update([&tx = tx](std::vector<int>&) { tx.set({}); }), weir::misuse);
  });
}

TEST_CASE("no update is lost, however many do it, and their functions may park") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    const int n = rounds(10'000) / 8;
    weir::with_scope([&, &tx = tx](weir::scope& s) {
      for (int a = 0; a < 8; ++a)
        s.spawn("adder", [&, tx = tx] {
          for (int i = 0; i < n; ++i)
            tx.update([i](int& v) {
              if (i % 16 == 0) weir::this_actor::yield();
              ++v;
            });
        });
    });
    CHECK(*rx.get() == 8 * n);
    CHECK(rx.get().version() == static_cast<std::uint64_t>(8 * n + 1));
  });
}

TEST_CASE("wait_for asks of the latest value first, seen or not") {
  in_actor([] {
    auto [tx, rx] = weir::watch(5);
    CHECK(*rx.wait_for([](int v) { return v == 5; }) == 5);
    auto setter = weir::spawn("setter", [&rx = rx, tx = std::move(tx)]() mutable {
      for (int i = 6; i < 9; ++i) {
        eventually([&] { return rx.waiting() == 1; });
        tx.set(i);
      }
      eventually([&] { return rx.waiting() == 1; });
      tx.reset();
    });
    CHECK(*rx.wait_for([](int v) { return v > 7; }) == 8);
    CHECK_FALSE(rx.has_changed());
    CHECK_FALSE(rx.wait_for([](int v) { return v > 100; }));
    setter.join();
    CHECK(*rx.wait_for([](int v) { return v == 8; }) == 8);  // closed, but it holds
    CHECK(rx.wait_for([](int) { return false; }, 1h).status() == recv_status::closed);
  });
}

TEST_CASE("a watch's deadline ends a wait with timeout, not early, and the try comes before the clock") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(rx.changed(20ms).status() == recv_status::timeout);
    CHECK(rx.wait_for([](int) { return false; }, 1ms).status() == recv_status::timeout);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    CHECK(rx.waiting() == 0);
    CHECK(rx.changed(long_past).status() == recv_status::timeout);
    tx.set(1);
    auto v = rx.changed(long_past);
    REQUIRE(v);
    CHECK(**v == 1);
    CHECK(rx.wait_for([](int x) { return x == 1; }, long_past).status() == recv_status::ok);
  });
}

TEST_CASE("in a cancelled scope a watch that would report closed throws cancelled; a newer value goes before it") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      auto open = weir::watch(0);
      auto closed = weir::watch(0);
      s.cancel();
      open.tx.set(1);
      CHECK(*open.rx.changed() == 1);
      CHECK_THROWS_AS(open.rx.changed(), weir::cancelled);
      closed.tx.reset();
      CHECK(closed.rx.try_changed().status() == recv_status::closed);
      CHECK_THROWS_AS(closed.rx.changed(), weir::cancelled);
      CHECK_THROWS_AS(closed.rx.wait_for([](int) { return false; }), weir::cancelled);
      CHECK_THROWS_AS(weir::select(weir::on_change(closed.rx, [](auto) {})), weir::cancelled);
    });
  });
}

TEST_CASE("while an actor unwinds from a cancel a watch acts as if its senders were gone") {
  in_actor([] {
    struct looks_again {
      weir::watch_receiver<int>* rx;
      weir::watch_sender<int>* tx;
      int* answers;
      ~looks_again() {
        *answers += !rx->changed();
        *answers += rx->changed(1h).status() == recv_status::closed;
        *answers += !rx->wait_for([](int) { return false; });
        *answers += weir::select(weir::on_change(*rx, [](auto v) { return !v; }));
        tx->set(9);
        *answers += *rx->changed() == 9;
      }
    };
    auto [tx, rx] = weir::watch(0);
    int answers = 0;
    auto victim = weir::spawn("victim", [&rx = rx, &tx = tx, &answers] {
      looks_again last{&rx, &tx, &answers};
      (void)rx.changed();
    });
    eventually([&] { return rx.waiting() == 1; });
    victim.cancel();
    victim.wait();
    CHECK(answers == 5);
  });
}

TEST_CASE("a watch holds payloads of every kind") {
  struct nothing {};
  struct alignas(128) aligned {
    int value;
  };
  struct made_of {
    int value;
    explicit made_of(int v) : value(v) {}   // neither default-constructible
    made_of(made_of&&) noexcept = default;  // nor copyable
    made_of& operator=(made_of&&) = delete;
  };
  in_actor([] {
    auto e = weir::watch(nothing{});
    e.tx.set({});
    CHECK(e.rx.changed().version() == 2);
    auto a = weir::watch(aligned{1});
    a.tx.set({5});
    auto v = a.rx.changed();
    CHECK(reinterpret_cast<std::uintptr_t>(&*v) % 128 == 0);
    CHECK(v->value == 5);
    auto m = weir::watch(made_of(1));
    m.tx.set(made_of(2));
    CHECK(m.rx.changed()->value == 2);
    auto p = weir::watch(std::make_unique<int>(1));
    p.tx.set(std::make_unique<int>(2));
    CHECK(**p.rx.changed() == 2);
  });
}

TEST_CASE("the destructor of a watched value may use the watch") {
  // Would never return if an old value were destroyed under the lock.
  struct nosy {
    weir::watch_receiver<nosy>* rx = nullptr;
    int* looked = nullptr;
    nosy(weir::watch_receiver<nosy>* r, int* l) : rx(r), looked(l) {}
    nosy(nosy&& o) noexcept : rx(std::exchange(o.rx, nullptr)), looked(o.looked) {}
    ~nosy() {
      if (rx && *rx) *looked += rx->waiting() == 0 && rx->get()->looked == looked;
    }
  };
  in_actor([] {
    int looked = 0;
    weir::watch_receiver<nosy> rx;
    {
      auto ends = weir::watch(nosy(nullptr, &looked));
      rx = std::move(ends.rx);
      for (int i = 0; i < 5; ++i) ends.tx.set(nosy(&rx, &looked));
      CHECK(looked == 4);
      (void)rx.wait_for([&, i = 0](const nosy&) mutable {
        if (i++ < 2) ends.tx.set(nosy(&rx, &looked));
        return i == 3;
      });
      CHECK(looked == 6);
      rx.reset();
    }
  });
}

TEST_CASE("and may set it") {
  struct restless {
    const weir::watch_sender<restless>* tx = nullptr;
    int number = 0;
    restless(const weir::watch_sender<restless>* t, int n) : tx(t), number(n) {}
    restless(const restless& o) : tx(nullptr), number(o.number) {}
    restless(restless&& o) noexcept : tx(std::exchange(o.tx, nullptr)), number(o.number) {}
    ~restless() {
      if (tx) tx->set(restless(nullptr, number + 1));
    }
  };
  in_actor([] {
    auto [tx, rx] = weir::watch(restless(nullptr, 0));
    tx.set(restless(&tx, 10));
    CHECK(rx.get()->number == 10);
    tx.set(restless(nullptr, 20));  // then the one of 10 goes, and sets
    CHECK(rx.get()->number == 11);
    tx.set(restless(&tx, 30));
    tx.update([](restless& r) { r.number = 40; });
    CHECK(rx.get()->number == 31);
  });
}

TEST_CASE("select takes a watch's change and its end") {
  in_actor([] {
    auto a = weir::watch(0);
    auto other = weir::channel<int>(1);
    const auto once = [&](weir::deadline limit) {
      return weir::select(weir::on_change(a.rx, [](weir::watch_value<int> v) { return v ? *v : -1; }),
                          weir::on_recv(other.rx, [](auto) { return -2; }), weir::after(limit, [] { return -3; }));
    };
    CHECK(once(2ms) == -3);
    CHECK(a.rx.waiting() == 0);
    auto setter = weir::spawn("setter", [&] {
      eventually([&] { return a.rx.waiting() == 1; });
      a.tx.set(7);
      eventually([&] { return a.rx.waiting() == 1; });
      a.tx.reset();
    });
    CHECK(once(1h) == 7);
    CHECK(once(1h) == -1);
    setter.join();
    CHECK(once(1h) == -1);  // ready for ever
    CHECK(weir::select(weir::on_change(a.rx, [](auto) { return 1; }).when(false), weir::otherwise([] { return 2; })) ==
          2);
    auto b = weir::watch(0);
    CHECK(weir::select(weir::on_change(b.rx, [](auto) { return 1; }), weir::on_change(b.rx, [](auto) { return 1; }),
                       weir::otherwise([] { return 2; })) == 2);
    b.tx.set(1);
    CHECK(weir::select(weir::on_change(b.rx, [](auto) { return 1; }), weir::otherwise([] { return 2; })) == 1);
    CHECK_FALSE(b.rx.has_changed());
  });
}

TEST_CASE("every receiver comes to the last value, in order, under timeouts, selects and several setters") {
  in_actor([] {
    struct state {
      int setter;
      int count;
    };
    auto [tx, rx] = weir::watch(state{0, 0});
    const int n = rounds(10'000);
    std::atomic<int> finished{0};
    weir::with_scope([&, tx = std::move(tx), rx = std::move(rx)](weir::scope& s) mutable {
      for (int w = 0; w < 4; ++w)
        s.spawn("watcher", [&finished, w, rx = rx] {
          int last[2] = {0, 0};
          std::uint64_t version = 1;
          const auto look = [&](const weir::watch_value<state>& v) {
            if (!v) return false;
            EXPECT(v.version() > version);
            EXPECT(v->count > last[v->setter]);
            version = v.version();
            last[v->setter] = v->count;
            return true;
          };
          for (bool more = true; more;) {
            if (w % 2) {
              auto r = rx.changed(std::chrono::microseconds(w * 2));
              if (r) look(*r);
              more = r.status() != recv_status::closed;
            } else {
              more = weir::select(weir::on_change(rx, look), weir::after(10us, [] { return true; }));
            }
          }
          finished += rx.get()->count > 0;
          EXPECT(rx.get().version() == version);
        });
      for (int p = 0; p < 2; ++p)
        s.spawn("setter", [n, p, tx = tx] {
          for (int i = 1; i <= n; ++i) {
            tx.set({p, i});
            if (i % 8 == 0) weir::this_actor::yield();
          }
        });
      tx.reset();
      rx.reset();
    });
    CHECK(finished == 4);
  });
}

TEST_CASE("a crowd that is woken by the end of the last sender may leave at once") {
  in_actor([] {
    const int crowd = 70;  // more than are served in one hold of the lock
    for (int i = 0; i < rounds(200); ++i) {
      auto [tx, rx] = weir::watch(0);
      weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
        for (int k = 0; k < crowd; ++k) s.spawn("watcher", [rx = rx] { EXPECT(!rx.changed()); });
        eventually([&] { return rx.waiting() == crowd; });
        rx.reset();
        tx.reset();
      });
    }
  });
}

TEST_CASE("who was cancelled but has not left its list yet has seen nothing") {
  in_actor(
      [] {
        auto [tx, rx] = weir::watch(0);
        auto watcher = weir::spawn("watcher", [&rx = rx] { EXPECT(!rx.changed()); });
        eventually([&rx = rx] { return rx.waiting() == 1; });
        watcher.cancel();
        tx.set(1);  // one worker: the watcher has not run since
        watcher.wait();
        CHECK(rx.has_changed());
      },
      1);
}

TEST_CASE("a select over two watches passes over no last value") {
  auto a = weir::watch(0);
  auto b = weir::watch(0);
  const int n = rounds(10'000);
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      for (auto* to : {&a.tx, &b.tx})
        s.spawn("setter", [n, tx = std::move(*to)] {
          for (int i = 1; i <= n; ++i) {
            tx.set(i);
            if (i % 4 == 0) weir::this_actor::yield();
          }
          weir::this_actor::sleep(weir::deadline::never());  // no close: only the values can end the loop below
        });
      int last_a = 0, last_b = 0;
      while (last_a < n || last_b < n)
        weir::select(weir::on_change(a.rx, [&](weir::watch_value<int> v) { last_a = *v; }),
                     weir::on_change(b.rx, [&](weir::watch_value<int> v) { last_b = *v; }));
      s.cancel();
    });
  });
}

TEST_CASE("cancel and the end of the sender against changed leave nobody waiting and nothing behind") {
  static std::atomic<int> alive{0};
  struct counted {
    counted() { ++alive; }
    counted(counted&&) noexcept { ++alive; }
    counted(const counted&) { ++alive; }
    counted& operator=(counted&&) = delete;
    ~counted() { --alive; }
  };
  alive = 0;
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto [tx, rx] = weir::watch(counted{});
      auto watcher = weir::spawn("watcher", [rx = std::move(rx)] {
        while (rx.changed()) {
        }
      });
      if (i % 3 == 0) weir::this_actor::yield();
      tx.set(counted{});
      if (i % 2) watcher.cancel();
      if (i % 5 == 0) weir::this_actor::yield();
      tx.reset();
      watcher.wait();
    }
  });
  CHECK(alive == 0);
}

TEST_CASE("a watch works between plain threads and actors") {
  auto [tx, rx] = weir::watch(0);
  const int n = rounds(2000);
  std::atomic<int> seen{0};
  std::thread thread([&seen, n, rx = rx] { seen += *rx.wait_for([n](int v) { return v == n; }); });
  CHECK(rx.changed(1ms).status() == recv_status::timeout);
  in_actor([&, &tx = tx, &rx = rx] {
    auto watcher = weir::spawn("watcher", [&seen, n, rx = rx] { seen += *rx.wait_for([n](int v) { return v == n; }); });
    std::thread setter([&, n] {
      for (int i = 1; i <= n; ++i) tx.update([](int& v) { ++v; });
    });
    watcher.join();
    setter.join();
  });
  thread.join();
  CHECK(seen == 2 * n);
}

TEST_CASE("a dump says which watch an actor waits for, and at which version") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0, "config");
    tx.set(1);
    auto watcher = weir::spawn("watcher", [rx = tx.subscribe()] { (void)rx.changed(); });
    eventually([] { return testing::waits("watcher", "watch"); });
    CHECK_THAT(testing::row(testing::dump(), "watcher"), Catch::Contains("watch watch \"config\" version 2"));
    watcher.cancel();
    watcher.wait();
  });
}

TEST_CASE("using a moved-from handle of a watch is misuse") {
  auto [tx, rx] = weir::watch(0);
  auto a = std::move(tx);
  auto b = std::move(rx);
  CHECK_THROWS_AS(tx.set(1), weir::misuse);
  CHECK_THROWS_AS(rx.get(), weir::misuse);
  a.set(2);
  CHECK(*b.changed() == 2);
}
