#include "weir/runtime/sync/mutex.h"

#include <signal.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using testing::waits;

TEST_CASE("actors and plain threads count under one mutex, and no count is lost, also when a holder parks") {
  weir::mutex m;
  long count = 0;
  const int n = rounds(10'000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < n; ++i) {
        std::lock_guard guard(m);
        ++count;
      }
    });
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 4; ++a)
        s.spawn("counter", [&] {
          for (int i = 0; i < n; ++i) {
            std::lock_guard guard(m);
            const long before = count;
            if (i % 16 == 0) weir::this_actor::yield();  // perhaps to another worker
            count = before + 1;
          }
        });
    });
  });
  for (auto& t : threads) t.join();
  CHECK(count == 6L * n);
}

TEST_CASE("a lock with a deadline gives up with false, not early, and leaves nothing behind") {
  in_actor([] {
    weir::mutex m;
    m.lock();
    weir::spawn("waiter", [&] {
      const auto begin = std::chrono::steady_clock::now();
      EXPECT(!m.lock(5ms));
      EXPECT(std::chrono::steady_clock::now() - begin >= 5ms);
      EXPECT(!m.lock(0ms));
      EXPECT(!m.try_lock());
    }).join();
    std::thread([&] { EXPECT(!m.lock(1ms)); }).join();
    m.unlock();
    CHECK(m.lock(0ms));  // free: the try comes before the look at the clock
    m.unlock();
  });
}

TEST_CASE("the guards of the standard library work with it, also with two in opposite orders") {
  in_actor([] {
    weir::mutex a, b;
    long count = 0;
    const int n = rounds(5000);
    weir::with_scope([&](weir::scope& s) {
      for (int k = 0; k < 4; ++k)
        s.spawn("both", [&, k] {
          for (int i = 0; i < n; ++i) {
            std::scoped_lock both(k % 2 ? a : b, k % 2 ? b : a);
            ++count;
          }
        });
    });
    CHECK(count == 4L * n);
    std::unique_lock guard(a, std::try_to_lock);
    CHECK(guard.owns_lock());
    guard.unlock();
    if (a.lock(1s)) std::unique_lock adopted(a, std::adopt_lock);
    CHECK(a.try_lock());
    a.unlock();
  });
}

TEST_CASE("waiters get the mutex in the order they came") {
  in_actor([] {
    weir::mutex m;
    std::vector<int> order;
    m.lock();
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 8; ++i) {
        const std::string name = "waiter" + std::to_string(i);
        s.spawn(name, [&, i] {
          std::lock_guard guard(m);
          order.push_back(i);
        });
        eventually([&] { return waits(name, "lock"); });
      }
      m.unlock();
    });
    CHECK(order == std::vector{0, 1, 2, 3, 4, 5, 6, 7});
  });
}

TEST_CASE("a waiter that was woken is passed at most 128 times by one that takes the mutex again and again") {
  in_actor(
      [] {
        weir::mutex m;
        std::atomic<bool> held{false}, go{false}, got{false};
        long passes = 0;  // guarded by m
        std::thread greedy([&] {
          m.lock();
          held = true;
          while (!go) std::this_thread::yield();
          while (!got) {
            m.unlock();
            m.lock();
            ++passes;
          }
          m.unlock();
        });
        eventually([&] { return held.load(); });
        auto waiter = weir::spawn("waiter", [&] {
          std::lock_guard guard(m);
          EXPECT(passes <= 128);
          got = true;
        });
        eventually([&] { return waits("waiter", "lock"); });
        go = true;
        // The one worker is kept busy, so that the waiter cannot run when it is woken: the mutex has to wait for it.
        const auto begin = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() - begin < 20ms) {
        }
        waiter.join();
        greedy.join();
      },
      1);
}

TEST_CASE("a holder that parks between its sections does not starve waiters: the loser of a race is next") {
  in_actor([] {
    weir::mutex m;
    std::atomic<bool> stop{false};
    std::atomic<int> others{0};
    weir::with_scope([&](weir::scope& s) {
      s.spawn("greedy", [&] {
        while (!stop) {
          std::lock_guard guard(m);
          weir::this_actor::yield();  // whoever was woken finds it taken
        }
      });
      for (int i = 0; i < 3; ++i)
        s.spawn("modest", [&] {
          for (int k = 0; k < 200; ++k) {
            std::lock_guard guard(m);
            ++others;
          }
        });
      eventually([&] { return others == 600; });
      stop = true;
    });
  });
}

TEST_CASE("a cancel ends a lock that waits, and none that need not wait") {
  in_actor([] {
    weir::mutex held, free;
    held.lock();
    std::atomic<bool> had_free{false}, had_held{false};
    auto waiter = weir::spawn("waiter", [&] {
      try {
        held.lock();
        had_held = true;
      } catch (const weir::cancelled&) {
        std::lock_guard guard(free);
        had_free = true;
        throw;
      }
    });
    eventually([&] { return waits("waiter", "lock"); });
    waiter.cancel();
    waiter.wait();
    CHECK(!had_held);
    CHECK(had_free);
    held.unlock();
    CHECK(held.try_lock());  // the waiter left nothing behind
    held.unlock();
  });
}

TEST_CASE("an actor that was cancelled before it locks a mutex that is held throws, and stands in no list") {
  in_actor([] {
    weir::mutex m;
    m.lock();
    auto late = weir::spawn("late", [&] { m.lock(); });
    late.cancel();
    late.wait();
    CHECK_THROWS_AS(late.join(), weir::actor_cancelled);
    m.unlock();
  });
}

TEST_CASE("while the caller unwinds, lock waits on, and what it guards stays whole") {
  in_actor([] {
    weir::mutex m;
    int inside = 0;
    struct cleaner {
      weir::mutex& m;
      int& inside;
      ~cleaner() {
        std::lock_guard guard(m);
        EXPECT(inside == 0);
      }
    };
    m.lock();
    inside = 1;
    auto victim = weir::spawn("victim", [&] {
      const cleaner c{m, inside};
      weir::this_actor::sleep(1h);
    });
    eventually([&] { return waits("victim", "sleep"); });
    victim.cancel();
    eventually([&] { return waits("victim", "lock"); });
    victim.cancel();
    inside = 0;
    m.unlock();
    victim.wait();
    CHECK(m.try_lock());
    m.unlock();
  });
}

TEST_CASE("cancels and timeouts against hand-over: the mutex is held by one or by none, and never lost") {
  in_actor([] {
    const int n = rounds(5000);
    weir::mutex m;
    std::atomic<int> inside{0};
    const auto section = [&](int i) {
      EXPECT(inside.fetch_add(1) == 0);
      if (i % 3 == 0) weir::this_actor::yield();
      EXPECT(inside.fetch_sub(1) == 1);
    };
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 2; ++a)
        s.spawn("timed", [&] {
          for (int i = 0; i < n; ++i)
            if (m.lock(std::chrono::microseconds(i % 5))) {
              std::lock_guard guard(m, std::adopt_lock);
              section(i);
            }
        });
      s.spawn("steady", [&] {
        for (int i = 0; i < n; ++i) {
          std::lock_guard guard(m);
          section(i);
        }
      });
      s.spawn("canceller", [&] {
        for (int i = 0; i < n; ++i) {
          auto victim = weir::spawn("victim", [&] {
            for (;;) {
              std::lock_guard guard(m);
              EXPECT(inside.fetch_add(1) == 0);
              inside.fetch_sub(1);
              weir::this_actor::yield();
            }
          });
          for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
          victim.cancel();
          victim.wait();
        }
      });
    });
    CHECK(m.try_lock());
    m.unlock();
  });
}

TEST_CASE("whoever holds it last may destroy it right after unlock") {
  struct shared {
    weir::mutex m;
    int users;
  };
  const auto use = [](shared* s) {
    s->m.lock();
    const bool last = --s->users == 0;
    s->m.unlock();
    if (last) delete s;
  };
  const int n = rounds(3000);
  std::atomic<shared*> next{nullptr};
  std::thread thread([&] {
    for (int i = 0; i < n; ++i) {
      shared* s;
      while ((s = next.exchange(nullptr)) == nullptr) std::this_thread::yield();
      use(s);
    }
  });
  in_actor([&] {
    for (int i = 0; i < n; ++i) {
      auto* const s = new shared{{}, 4};
      eventually([&] { return next == nullptr; });
      next = s;
      weir::with_scope([&](weir::scope& sc) {
        for (int a = 0; a < 3; ++a) sc.spawn("user", [&] { use(s); });
      });
    }
  });
  thread.join();
}

TEST_CASE("to lock a mutex that one holds is misuse, which names the mutex, the holder and the remedy") {
  in_actor([] {
    weir::mutex m;
    std::lock_guard guard(m);
    CHECK_THROWS_WITH(m.lock(), Catch::StartsWith("mutex::lock: who holds a mutex must not lock it again, got mutex "
                                                  "mutex_test.cc:") &&
                                    Catch::Contains(" held by actor \"main\" (#1) (mutex_test.cc:") &&
                                    Catch::EndsWith("Unlock it first, or split the function into one that locks and "
                                                    "one that expects it."));
    CHECK_THROWS_AS((void)m.lock(1ms), weir::misuse);
    CHECK(!m.try_lock());
  });
  weir::mutex m;
  std::lock_guard guard(m);
  CHECK_THROWS_WITH(m.lock(), Catch::Contains(" held by a plain thread "));
}

TEST_CASE("child: unlock by another", "[.child]") {
  in_actor([] {
    weir::mutex m;
    m.lock();
    weir::spawn("stranger", [&] { m.unlock(); }).join();
  });
}

TEST_CASE("child: unlock of a free mutex", "[.child]") {
  weir::mutex m;
  m.unlock();
}

TEST_CASE("child: destroyed while held", "[.child]") {
  weir::mutex m;
  m.lock();
}

TEST_CASE("unlock by one who does not hold it, and the end of a mutex that is held, stop the process with a report") {
  const auto by_another = testing::run_child("child: unlock by another");
  CHECK(by_another.signal == SIGABRT);
  CHECK_THAT(by_another.output,
             Catch::Contains("weir: misuse: mutex::unlock: only who holds a mutex may unlock it, got mutex "
                             "mutex_test.cc:") &&
                 Catch::Contains("held by actor \"main\" (#1)") && Catch::Contains("in the same actor"));
  const auto of_free = testing::run_child("child: unlock of a free mutex");
  CHECK(of_free.signal == SIGABRT);
  CHECK_THAT(of_free.output, Catch::Contains(" that nobody holds "));
  const auto destroyed = testing::run_child("child: destroyed while held");
  CHECK(destroyed.signal == SIGABRT);
  CHECK_THAT(destroyed.output, Catch::Contains("~mutex: a mutex must not end while it is held or waited for, got "
                                               "mutex mutex_test.cc:") &&
                                   Catch::Contains("held by a plain thread"));
}
