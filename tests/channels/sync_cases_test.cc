#include "weir/channels/sync_cases.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/selector.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

namespace {

// A source that is not weir's own: ready once fire() was called, for one wait. It shows what a source needs.
class doorbell {
 public:
  void fire() {
    lock_.lock();
    weir::internal::wait_node* const first = waiters_.claim_first();
    if (first == nullptr) ++rings_;
    lock_.unlock();
    if (first != nullptr) first->owner->wake();
  }
  bool take() {
    std::lock_guard guard(lock_);
    return rings_ > 0 && rings_-- > 0;
  }
  weir::internal::enrolled enroll(weir::internal::wait_node& node) {
    std::lock_guard guard(lock_);
    if (rings_ == 0) {
      waiters_.push_back(node);
      return weir::internal::enrolled::waiting;
    }
    const auto e = weir::internal::enroll_ready(node);
    if (e == weir::internal::enrolled::done) --rings_;
    return e;
  }
  void withdraw(weir::internal::wait_node& node) noexcept {
    std::lock_guard guard(lock_);
    waiters_.unlink(node);
  }
  std::size_t waiting() {
    std::lock_guard guard(lock_);
    return waiters_.size();
  }

 private:
  weir::internal::small_lock lock_;
  int rings_ = 0;
  weir::internal::wait_list waiters_;
};

struct ring_source {
  static constexpr auto unwinding = weir::internal::select_case::unwinding::as_come;
  doorbell& of;
  bool may_be_ready() const noexcept { return true; }
  bool try_now() { return of.take(); }
  weir::internal::enrolled enroll(weir::internal::wait_node& node) { return of.enroll(node); }
  void withdraw(weir::internal::wait_node& node) noexcept { of.withdraw(node); }
  std::string describe() const { return "doorbell"; }
};

template <class Body>
auto on_ring(doorbell& d, Body body, weir::site where = weir::site::current()) {
  return weir::internal::source_case<ring_source, Body>({d}, std::move(body), where);
}

// Ready at every third ring only: two of three wakes are for too little.
struct third_ring_source : ring_source {
  int& rings;
  bool try_now() { return of.take() && confirm(); }
  bool confirm() { return ++rings % 3 == 0; }
};

// Nothing is there, which takes until then to find out.
struct slow_source : ring_source {
  std::chrono::steady_clock::time_point until;
  bool try_now() {
    std::this_thread::sleep_until(until);
    return false;
  }
};

}  // namespace

TEST_CASE("otherwise does not go if a timer has come due while other cases were looked at") {
  in_actor([] {
    doorbell bell;
    for (int i = 0; i < 20; ++i) {
      const auto t = std::chrono::steady_clock::now() + 2ms;
      weir::internal::source_case slow(
          slow_source{{bell}, t}, [] {}, weir::site::current());
      CHECK(weir::select(std::move(slow), weir::after(t, [] { return true; }), weir::otherwise([] { return false; })));
    }
  });
}

TEST_CASE("a source of another layer takes part without select knowing it: nothing is lost or doubled") {
  in_actor([] {
    doorbell bell;
    auto [tx, rx] = weir::channel<int>(0);
    const int each = rounds(2000);
    int rung = 0, received = 0;
    weir::with_scope([&, rx = rx](weir::scope& s) {
      s.spawn("ringer", [&] {
        for (int i = 0; i < each; ++i) {
          bell.fire();
          if (i % 7 == 0) weir::this_actor::yield();
        }
      });
      s.spawn("sender", [tx = std::move(tx), each] {
        for (int i = 0; i < each; ++i) EXPECT(tx.send(1));
      });
      for (int i = 0; i < 2 * each; ++i)
        weir::select(on_ring(bell, [&] { ++rung; }),
                     weir::on_recv(rx, [&](auto) { ++received; }).when(received < each));
    });
    CHECK(rung == each);
    CHECK(received == each);
    CHECK(bell.waiting() == 0);
    CHECK(weir::select(on_ring(bell, [] { return false; }), weir::otherwise([] { return true; })));
  });
}

TEST_CASE("a select that was woken for too little goes on and its other cases with it") {
  in_actor([] {
    doorbell bell;
    auto [tx, rx] = weir::channel<int>(0);
    const int each = rounds(1000);
    int rings = 0, thirds = 0, received = 0;
    weir::with_scope([&, rx = rx](weir::scope& s) {
      s.spawn("ringer", [&] {
        for (int i = 0; i < 3 * each; ++i) {
          bell.fire();
          if (i % 7 == 0) weir::this_actor::yield();
        }
      });
      s.spawn("sender", [tx = std::move(tx), each] {
        for (int i = 0; i < each; ++i) EXPECT(tx.send(1));
      });
      const auto on_third = [&](auto body) {
        return weir::internal::source_case<third_ring_source, decltype(body)>({{bell}, rings}, std::move(body),
                                                                              weir::site::current());
      };
      for (int i = 0; i < 2 * each; ++i)
        weir::select(on_third([&] { ++thirds; }), weir::on_recv(rx, [&](auto) { ++received; }).when(received < each));
    });
    CHECK(rings == 3 * each);
    CHECK(thirds == each);
    CHECK(received == each);
    CHECK(bell.waiting() == 0);
  });
}

TEST_CASE("an event is a case as long as it is set") {
  in_actor([] {
    weir::event e;
    const auto look = [&] {
      return weir::select(weir::on_set(e, [] { return 1; }), weir::otherwise([] { return 0; }));
    };
    CHECK(look() == 0);
    e.set();
    CHECK(look() == 1);
    CHECK(look() == 1);
    e.reset();
    CHECK(look() == 0);
    auto setter = weir::spawn("setter", [&] { e.set(); });
    CHECK(weir::select(weir::on_set(e, [](bool set) { return set; }), weir::after(10s, [] { return false; })));
    setter.join();
  });
}

TEST_CASE("a permit is taken only if its case is chosen, and those who wait are served in order") {
  in_actor([] {
    weir::semaphore permits(2);
    auto [tx, rx] = weir::channel<int>(0);
    CHECK(weir::select(weir::on_acquire(permits, 2, [] { return 1; }), weir::after(10s, [] { return 2; })) == 1);
    CHECK(permits.available() == 0);
    CHECK(weir::select(weir::on_acquire(permits, [] { return 1; }), weir::after(2ms, [] { return 2; })) == 2);
    // A select that wants 3 stands before an acquire of 1; when it leaves, that one is served.
    auto big = weir::spawn("big", [&, rx = rx] {
      return weir::select(weir::on_acquire(permits, 3, [] { return 1; }), weir::on_recv(rx, [](auto) { return 2; }));
    });
    eventually([&, rx = rx] { return rx.waiting() == 1; });
    permits.release();
    while (permits.try_acquire()) permits.release();  // until the select stands there: nobody passes it
    auto small = weir::spawn("small", [&] { permits.acquire(); });
    tx.send(0);
    CHECK(big.join() == 2);
    small.join();
    CHECK(permits.available() == 0);
    CHECK_THROWS_WITH(weir::on_acquire(permits, 0, [] {}), Catch::Contains("on_acquire: at least 1 permit"));
  });
}

TEST_CASE("permits are neither lost nor doubled between selects and acquires, threads among them") {
  weir::semaphore permits(3);
  auto [tx, rx] = weir::channel<int>(1);
  std::atomic<int> inside{0}, most{0}, taken{0};
  const int each = rounds(2000);
  const auto hold = [&](int n) {
    const int now = inside += n;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    ++taken;
    inside -= n;
    permits.release(n);
  };
  const auto selecting = [&, rx = rx](int n) {
    for (int i = 0; i < each;)
      weir::select(weir::on_acquire(permits, n,
                                    [&] {
                                      hold(n);
                                      ++i;
                                    }),
                   weir::on_recv(rx, [](auto) {}), weir::after(50us, [] {}));
  };
  std::thread thread([&] { selecting(2); });
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      for (int n : {1, 2, 3}) s.spawn("selecting", [&, n] { selecting(n); });
      for (int n : {1, 2})
        s.spawn("acquiring", [&, n] {
          for (int i = 0; i < each; ++i) {
            permits.acquire(n);
            hold(n);
          }
        });
    });
  });
  thread.join();
  CHECK(taken == 6 * each);
  CHECK(most <= 3);
  CHECK(permits.available() == 3);
}

TEST_CASE("a wait group is a case as long as its count is 0") {
  in_actor([] {
    weir::wait_group g;
    auto [tx, rx] = weir::channel<int>(0);
    g.add(2);
    CHECK(weir::select(weir::on_done(g, [] { return 1; }), weir::otherwise([] { return 0; })) == 0);
    auto worker = weir::spawn("worker", [&] {
      g.done();
      g.done();
    });
    CHECK(weir::select(weir::on_done(g, [] { return 1; }), weir::on_recv(rx, [](auto) { return 2; })) == 1);
    worker.join();
  });
}

TEST_CASE("while unwinding, on_set says false, and a select of nothing but on_acquire waits on") {
  in_actor([] {
    weir::semaphore permits(0);
    weir::event never;
    std::atomic<int> said{-1};
    std::atomic<bool> acquiring{false}, acquired{false};
    struct at_end {
      weir::semaphore& permits;
      weir::event& never;
      std::atomic<int>& said;
      std::atomic<bool>&acquiring, &acquired;
      ~at_end() {
        weir::select(weir::on_acquire(permits, [&] { said = 7; }), weir::on_set(never, [&](bool set) { said = set; }));
        acquiring = true;
        weir::select(weir::on_acquire(permits, [&] { acquired = true; }));
      }
    };
    auto a = weir::spawn("unwinding", [&] {
      const at_end later{permits, never, said, acquiring, acquired};
      weir::this_actor::sleep(weir::deadline::never());
    });
    a.cancel();
    eventually([&] { return acquiring.load(); });
    for (int i = 0; i < 100; ++i) weir::this_actor::yield();
    CHECK_FALSE(acquired);
    permits.release();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(acquired);
    CHECK(said == 0);
  });
}
