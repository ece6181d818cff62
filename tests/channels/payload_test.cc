// Every kind of value on every way through a channel, and values whose destructors use the channel themselves.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::recv_status;
using weir::send_status;

namespace {

std::atomic<long> alive{0};

struct nothing {
  explicit nothing(int) {}
  bool is(int) const { return true; }
};

struct small {
  int n;
  explicit small(int v) : n(v) {}
  bool is(int v) const { return n == v; }
};

struct huge {  // 4 KiB, each part of it marked
  std::array<int, 1024> all;
  explicit huge(int v) { all.fill(v); }
  bool is(int v) const {
    for (int x : all)
      if (x != v) return false;
    return true;
  }
};

struct alignas(128) aligned {
  int n;
  explicit aligned(int v) : n(v) {}
  bool is(int v) const { return n == v && reinterpret_cast<std::uintptr_t>(this) % 128 == 0; }
};

// No copy, no assignment, no default; counts itself.
struct move_only {
  std::unique_ptr<int> n;
  explicit move_only(int v) : n(std::make_unique<int>(v)) { ++alive; }
  move_only(move_only&& other) noexcept : n(std::move(other.n)) { ++alive; }
  move_only& operator=(move_only&&) = delete;
  ~move_only() { --alive; }
  bool is(int v) const { return n && *n == v; }
};

// Knows where it lives: a byte-wise copy would show.
struct self_pointer {
  int n;
  const self_pointer* me = this;
  explicit self_pointer(int v) : n(v) { ++alive; }
  self_pointer(self_pointer&& other) noexcept : n(std::exchange(other.n, -1)) { ++alive; }
  self_pointer& operator=(self_pointer&&) = delete;
  ~self_pointer() { --alive; }
  bool is(int v) const { return n == v && me == this; }
};

struct text {
  std::string s;
  explicit text(int v) : s("a text that is long enough to be allocated: " + std::to_string(v)) {}
  bool is(int v) const { return s == text(v).s; }
};

// Sends v in one of the ways there are.
template <class T>
void give(const weir::sender<T>& tx, int v) {
  T value(v);
  switch (v % 4) {
    case 0:
      return EXPECT(tx.send(std::move(value)));
    case 1:
      return EXPECT(tx.send(std::move(value), 1h) == send_status::ok);
    case 2:
      while (tx.try_send(std::move(value)) != send_status::ok) weir::this_actor::yield();
      return;
    default:
      weir::select(weir::on_send(tx, std::move(value), [](bool sent) { EXPECT(sent); }));
  }
}

// Receives v in one of the ways there are. try_send needs somebody who waits, so at capacity 0 the third way waits.
template <class T>
void want(const weir::receiver<T>& rx, int v) {
  switch (v % 5) {
    case 0: {
      auto r = rx.recv();
      return EXPECT(r && r->is(v));
    }
    case 1: {
      auto r = rx.recv(1h);
      return EXPECT(r && (*r).is(v));
    }
    case 2: {
      if (rx.capacity() == 0) break;
      for (;;) {
        auto r = rx.try_recv();
        if (r) return EXPECT((*r).is(v));
        weir::this_actor::yield();
      }
    }
    case 3:
      for (T& x : rx) return EXPECT(x.is(v));
      return EXPECT(!"ended");
    default:
      break;
  }
  weir::select(weir::on_recv(rx, [v](std::optional<T> r) { EXPECT(r && r->is(v)); }));
}

}  // namespace

TEMPLATE_TEST_CASE("a value of any kind arrives whole, on every way through a channel", "", nothing, small, huge,
                   aligned, move_only, self_pointer, text) {
  alive = 0;
  const int n = rounds(1000);
  for (const int capacity : {0, 1, 3, 1000})
    in_actor([&] {
      auto [tx, rx] = weir::channel<TestType>(capacity);
      auto giver = weir::spawn("gives", [n, tx = std::move(tx)] {
        for (int i = 0; i < n; ++i) give(tx, i);
      });
      for (int i = 0; i < n; ++i) {
        if (i % 100 < 10)
          weir::this_actor::yield();  // now the buffer fills and its sender waits, now the receiver does
        want(rx, i);
      }
      CHECK_FALSE(rx.recv().has_value());
      giver.join();
    });
  CHECK(alive == 0);
}

TEMPLATE_TEST_CASE("values left in a channel are destroyed with it", "", move_only, self_pointer) {
  alive = 0;
  for (const int capacity : {1, 3, 1000}) {
    auto [tx, rx] = weir::channel<TestType>(capacity);
    for (int i = 0; i < capacity; ++i) REQUIRE(tx.send(TestType(i)));
    REQUIRE(rx.recv()->is(0));
    if (capacity == 3)
      tx.reset(), rx.reset();
    else
      rx.reset(), tx.reset();
    CHECK(alive == 0);
  }
}

namespace {

// When one goes that was not moved from, it sends one less on its own channel.
struct echo {
  const weir::sender<echo>* out;
  int left;
  bool parks;
  echo(const weir::sender<echo>* o, int n, bool p) : out(o), left(n), parks(p) {}
  echo(echo&& other) noexcept : out(other.out), left(std::exchange(other.left, 0)), parks(other.parks) {}
  echo& operator=(echo&&) = delete;
  ~echo() {
    if (left <= 0) return;
    echo next(out, left - 1, parks);
    if (parks)
      out->send(std::move(next));
    else
      out->try_send(std::move(next));
  }
};

}  // namespace

TEST_CASE("the destructor of a value may send on the channel that the value came from") {
  const int capacity = GENERATE(1, 2);
  in_actor([capacity] {
    auto [tx, rx] = weir::channel<echo>(capacity);
    tx.send(echo(&tx, 100, false));
    int received = 0;
    while (auto v = rx.try_recv()) ++received;
    CHECK(received == 101);  // each sent the next one when it went, the last one nothing
  });
}

TEST_CASE("the destructor of a value may wait for room in the channel that the value came from") {
  in_actor([] {
    auto [tx, rx] = weir::channel<echo>(1);
    std::atomic<int> received{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 3; ++i)
        s.spawn("receives", [&, rx = rx] {
          while (rx.recv()) ++received;
        });
      // Three under way, one of them in the buffer: two receivers at most wait in a destructor, one is left.
      for (int i = 0; i < 3; ++i) tx.send(echo(&tx, 20, true));
      eventually([&] { return received == 3 * 21; });
      tx.close();
    });
  });
}

TEST_CASE("values that send when they go find their channel closed when its last receiver destroys them") {
  in_actor([] {
    auto [tx, rx] = weir::channel<echo>(3);
    for (int i = 0; i < 3; ++i) tx.send(echo(&tx, 10, i == 0));
    rx.reset();  // outside the lock, or this would never end
    CHECK(tx.length() == 0);
    CHECK(tx.try_send(echo(&tx, 0, false)) == send_status::closed);
  });
}

namespace {

struct letter {  // carries an end of the channel that it goes through
  weir::sender<letter> reply;
  int n;
};

}  // namespace

TEST_CASE("receivers travel through channels while their senders wait") {
  in_actor([] {
    auto post = weir::channel<weir::receiver<int>>(0);
    auto work = weir::channel<int>(0);
    auto sender = weir::spawn("sends", [tx = std::move(work.tx)] {
      for (int i = 0; i < 10; ++i) EXPECT(tx.send(i));
    });
    auto passes = weir::spawn("passes it on", [&, rx = std::move(work.rx)]() mutable {
      EXPECT(rx.recv() == 0);
      EXPECT(post.tx.send(std::move(rx)));
      EXPECT(!rx);
    });
    auto arrived = post.rx.recv();
    REQUIRE(arrived);
    int expected = 1;
    for (int& v : *arrived) CHECK(v == expected++);
    CHECK(expected == 10);
    sender.join();
    passes.join();
  });
}

TEST_CASE("a channel may hold its own senders: they count until they are received or destroyed") {
  in_actor([] {
    auto [tx, rx] = weir::channel<letter>(2);
    tx.send(letter{tx, 1});
    tx.send(letter{tx, 2});
    tx.reset();
    CHECK(rx.recv()->n == 1);
    CHECK(rx.try_recv()->n == 2);
    CHECK(rx.try_recv().status() == recv_status::closed);  // the last sender went with the second letter

    auto again = weir::channel<letter>(2);
    again.tx.send(letter{again.tx, 1});
    again.tx.reset();
    again.rx.reset();  // destroys the letter, whose sender is the last end of the channel: it must go once
  });
}
