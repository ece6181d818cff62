#include "weir/runtime/sync/condition.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using testing::waits;

namespace {

// A queue of one, with a mutex and two conditions, as textbooks have it.
class box {
 public:
  void put(int v) {
    std::unique_lock lock(mutex_);
    empty_.wait(lock, [&] { return !full_; });
    value_ = v;
    full_ = true;
    filled_.notify_one();
  }
  int take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return full_; });
    full_ = false;
    empty_.notify_one();
    return value_;
  }

 private:
  weir::mutex mutex_;
  weir::condition empty_, filled_;
  int value_ = 0;
  bool full_ = false;
};

}  // namespace

TEST_CASE("no notification is lost between actors and plain threads: what goes in comes out") {
  box b;
  const int n = rounds(5000);
  std::atomic<long> sum{0};
  std::thread producer([&] {
    for (int i = 0; i < n; ++i) b.put(1);
  });
  std::thread consumer([&] {
    for (int i = 0; i < n; ++i) sum += b.take();
  });
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      s.spawn("producer", [&] {
        for (int i = 0; i < n; ++i) b.put(1);
      });
      s.spawn("consumer", [&] {
        for (int i = 0; i < n; ++i) sum += b.take();
      });
    });
  });
  producer.join();
  consumer.join();
  CHECK(sum == 2L * n);
}

TEST_CASE("notify_one wakes who waited longest, notify_all everybody, and nobody wakes without a cause") {
  in_actor([] {
    weir::mutex m;
    weir::condition c;
    std::vector<int> order;
    c.notify_one();  // nobody is there: it is not kept
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 6; ++i) {
        const std::string name = "waiter" + std::to_string(i);
        s.spawn(name, [&, i] {
          std::unique_lock lock(m);
          EXPECT(c.wait(lock));
          order.push_back(i);
        });
        eventually([&] { return waits(name, "wait"); });
      }
      const auto woken = [&] {
        std::lock_guard guard(m);
        return order.size();
      };
      for (std::size_t i = 1; i <= 3; ++i) {
        c.notify_one();
        eventually([&] { return woken() == i; });
      }
      CHECK(order == std::vector{0, 1, 2});
      c.notify_all();
    });
    CHECK(order.size() == 6);
  });
}

TEST_CASE("a wait ends at its deadline with false, not early, and with the mutex held") {
  in_actor([] {
    weir::mutex m;
    weir::condition c;
    std::unique_lock lock(m);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(!c.wait(lock, 5ms));
    CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
    CHECK(!c.wait(lock, 0ms));
    CHECK(!c.wait(
        lock, [] { return false; }, 1ms));
    CHECK(c.wait(
        lock, [] { return true; }, 0ms));
    weir::spawn("other", [&] { EXPECT(!m.try_lock()); }).join();
  });
}

TEST_CASE("a cancelled wait takes the mutex again before it throws") {
  in_actor([] {
    weir::mutex m;
    weir::condition c;
    std::atomic<bool> caught{false};
    std::atomic<int> inside{0};
    auto waiter = weir::spawn("waiter", [&] {
      std::unique_lock lock(m);
      try {
        c.wait(lock);
      } catch (const weir::cancelled&) {
        caught = true;
        EXPECT(lock.owns_lock());
        EXPECT(inside == 0);
        EXPECT(!m.try_lock());  // held, by this very actor
        throw;
      }
    });
    eventually([&] { return waits("waiter", "wait"); });
    m.lock();
    inside = 1;
    waiter.cancel();
    eventually([&] { return waits("waiter", "lock"); });
    CHECK(!caught);
    inside = 0;
    m.unlock();
    waiter.wait();
    CHECK(caught);
    CHECK(m.try_lock());
    m.unlock();
  });
}

TEST_CASE("a notification that has chosen a waiter goes before a cancel") {
  in_actor([] {
    weir::mutex m;
    weir::condition c;
    std::atomic<bool> notified{false}, then_cancelled{false};
    auto waiter = weir::spawn("waiter", [&] {
      std::unique_lock lock(m);
      notified = c.wait(lock);
      lock.unlock();
      try {
        weir::this_actor::yield();
      } catch (const weir::cancelled&) {
        then_cancelled = true;
        throw;
      }
    });
    eventually([&] { return waits("waiter", "wait"); });
    m.lock();
    c.notify_one();
    waiter.cancel();
    m.unlock();
    waiter.wait();
    CHECK(notified);
    CHECK(then_cancelled);
  });
}

TEST_CASE("cancels, timeouts and notifications race: each notified wait has a notification of its own") {
  in_actor([] {
    const int n = rounds(3000);
    weir::mutex m;
    weir::condition c;
    long tokens = 0, taken = 0, put = 0;
    weir::with_scope([&](weir::scope& s) {
      s.spawn("notifier", [&] {
        for (int i = 0; i < n; ++i) {
          {
            std::lock_guard guard(m);
            ++tokens, ++put;
          }
          c.notify_one();
          weir::this_actor::yield();
        }
      });
      s.spawn("canceller", [&] {
        for (int i = 0; i < n; ++i) {
          auto taker = weir::spawn("taker", [&] {
            std::unique_lock lock(m);
            for (;;) {
              const bool there = c.wait(
                  lock, [&] { return tokens > 0; }, 20us);
              if (there) --tokens, ++taken;
              EXPECT(lock.owns_lock());
            }
          });
          for (int k = 0; k < i % 4; ++k) weir::this_actor::yield();
          taker.cancel();
          taker.wait();
        }
      });
    });
    CHECK(taken + tokens == put);
    CHECK(m.try_lock());
    m.unlock();
  });
}

TEST_CASE("while the caller unwinds in a cancelled scope, a wait returns false with the mutex held") {
  in_actor([] {
    weir::mutex m;
    weir::condition c;
    std::atomic<bool> seen{false};
    struct cleaner {
      weir::mutex& m;
      weir::condition& c;
      std::atomic<bool>& seen;
      ~cleaner() {
        std::unique_lock lock(m);
        EXPECT(!c.wait(lock));
        EXPECT(lock.owns_lock());
        seen = true;
      }
    };
    auto victim = weir::spawn("victim", [&] {
      const cleaner clean{m, c, seen};
      weir::this_actor::sleep(1h);
    });
    victim.cancel();
    victim.wait();
    CHECK(seen);
  });
}

TEST_CASE("a condition may be destroyed once all its waiters are notified") {
  in_actor([] {
    weir::mutex m;
    for (int i = 0; i < rounds(2000); ++i) {
      auto c = std::make_unique<weir::condition>();
      std::atomic<bool> waiting{false};
      auto waiter = weir::spawn("waiter", [&] {
        std::unique_lock lock(m);
        waiting = true;
        EXPECT(c->wait(lock));
      });
      eventually([&] { return waiting.load(); });
      {
        std::lock_guard guard(m);  // it waits by now, as it has let the mutex go
        c->notify_all();
        c.reset();
      }
      waiter.join();
    }
  });
}

TEST_CASE("a wait without the mutex is misuse") {
  in_actor([] {
    weir::mutex m;
    weir::condition c;
    std::unique_lock lock(m, std::defer_lock);
    CHECK_THROWS_WITH(c.wait(lock), Catch::StartsWith("condition::wait: the mutex must be held, got condition "
                                                      "condition_test.cc:") &&
                                        Catch::Contains("Lock it first"));
  });
}
