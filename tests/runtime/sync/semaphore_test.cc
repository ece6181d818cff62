#include "weir/runtime/sync/semaphore.h"

#include <signal.h>

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
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

TEST_CASE("never more hold a permit than there are, actors and threads, and all come back") {
  weir::semaphore sem(3);
  std::atomic<int> inside{0};
  const int n = rounds(5000);
  const auto use = [&](int i, bool actor) {
    const int wanted = 1 + i % 3;
    sem.acquire(wanted);
    EXPECT(inside.fetch_add(wanted) + wanted <= 3);
    if (actor && i % 4 == 0) weir::this_actor::yield();
    inside -= wanted;
    sem.release(wanted);
  };
  std::thread thread([&] {
    for (int i = 0; i < n; ++i) use(i, false);
  });
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 4; ++a)
        s.spawn("user", [&] {
          for (int i = 0; i < n; ++i) use(i, true);
        });
    });
  });
  thread.join();
  CHECK(sem.available() == 3);
}

TEST_CASE("a lock guard holds one permit, and gives it back when an exception passes") {
  weir::semaphore sem(2);
  {
    const std::lock_guard permit(sem);
    CHECK(sem.available() == 1);
    const std::unique_lock another(sem);
    CHECK(sem.available() == 0);
    const std::unique_lock none(sem, std::try_to_lock);
    CHECK(!none.owns_lock());
  }
  CHECK(sem.available() == 2);
  CHECK_THROWS_AS(([&] {
                    const std::lock_guard permit(sem);
                    throw std::runtime_error("in the block");
                  }()),
                  std::runtime_error);
  CHECK(sem.available() == 2);
}

TEST_CASE("first come, first served: who wants many is not passed by who wants few") {
  in_actor([] {
    weir::semaphore sem(1);
    std::vector<int> order;
    int number = 0;
    weir::with_scope([&](weir::scope& s) {
      for (const int wanted : {3, 1, 3, 2}) {  // no two fit at once, so each is served alone
        const std::string name = "waiter" + std::to_string(number++);
        s.spawn(name, [&, wanted] {
          sem.acquire(wanted);
          order.push_back(wanted);
          sem.release(wanted);
        });
        eventually([&] { return waits(name, "acquire"); });
      }
      CHECK(!sem.try_acquire());  // one is free, but others were there first
      CHECK(sem.available() == 1);
      sem.release();
      CHECK(order.empty());
      sem.release();
    });
    CHECK(order == std::vector{3, 1, 3, 2});
    CHECK(sem.available() == 3);
    CHECK(sem.try_acquire(3));
    CHECK(!sem.try_acquire());
    CHECK(!sem.acquire(1, 0ms));
  });
}

TEST_CASE("one in front that gives up, by its deadline or a cancel, lets those behind it go") {
  in_actor([] {
    weir::semaphore sem(1);
    for (const bool by_cancel : {false, true}) {
      std::atomic<bool> gone{false};
      auto big = weir::spawn("big", [&] {
        if (by_cancel) sem.acquire(5);
        EXPECT(!sem.acquire(5, 20ms));
        gone = true;
      });
      eventually([&] { return gone || waits("big", "acquire"); });  // gone: this one was too slow to see it wait
      auto small = weir::spawn("small", [&] {
        sem.acquire();
        sem.release();
      });
      if (by_cancel) {
        eventually([&] { return waits("small", "acquire"); });
        big.cancel();
      }
      small.join();
      big.wait();
      CHECK(sem.available() == 1);
    }
  });
}

TEST_CASE("timeouts and cancels against release: permits are neither lost nor doubled") {
  in_actor([] {
    const int n = rounds(5000);
    weir::semaphore sem(2);
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 3; ++a)
        s.spawn("timed", [&] {
          for (int i = 0; i < n; ++i)
            if (sem.acquire(1 + i % 2, std::chrono::microseconds(i % 4))) {
              if (i % 3 == 0) weir::this_actor::yield();
              sem.release(1 + i % 2);
            }
        });
      s.spawn("canceller", [&] {
        for (int i = 0; i < n; ++i) {
          auto victim = weir::spawn("victim", [&] {
            for (;;) {
              sem.acquire(2);
              sem.release(2);
              weir::this_actor::yield();  // a cancel here finds nothing held
            }
          });
          for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
          victim.cancel();
          victim.wait();
        }
      });
    });
    CHECK(sem.available() == 2);
  });
}

TEST_CASE("while the caller unwinds, acquire waits on") {
  in_actor([] {
    weir::semaphore sem(0);
    std::atomic<bool> has{false};
    struct cleaner {
      weir::semaphore& sem;
      std::atomic<bool>& has;
      ~cleaner() {
        sem.acquire();
        has = true;
      }
    };
    auto victim = weir::spawn("victim", [&] {
      const cleaner c{sem, has};
      weir::this_actor::sleep(1h);
    });
    eventually([&] { return waits("victim", "sleep"); });
    victim.cancel();
    eventually([&] { return waits("victim", "acquire"); });
    victim.cancel();
    CHECK(!has);
    sem.release();
    victim.wait();
    CHECK(has);
  });
}

TEST_CASE("who got the last permit may destroy the semaphore") {
  in_actor([] {
    for (int i = 0; i < rounds(3000); ++i) {
      auto sem = std::make_unique<weir::semaphore>(0);
      auto releaser = weir::spawn("releaser", [&] { sem->release(); });
      if (i % 2) weir::this_actor::yield();
      sem->acquire();
      sem.reset();
      releaser.join();
    }
  });
}

TEST_CASE("a semaphore refuses numbers that mean nothing, with the rule, the value and the place") {
  CHECK_THROWS_WITH(weir::semaphore(-1), Catch::StartsWith("semaphore: it must begin with 0 or more permits, got -1 "
                                                           "(semaphore_test.cc:"));
  weir::semaphore sem(1);
  CHECK_THROWS_WITH(sem.acquire(0), Catch::StartsWith("semaphore::acquire: at least 1 permit must be asked for, got 0 "
                                                      "of semaphore semaphore_test.cc:"));
  CHECK_THROWS_AS((void)sem.try_acquire(-3), weir::misuse);
  CHECK(sem.available() == 1);
}

TEST_CASE("child: too many permits", "[.child]") {
  weir::semaphore sem(1);
  sem.release(std::numeric_limits<std::ptrdiff_t>::max());
}

TEST_CASE("to release more than fits stops the process with a report") {
  const auto end = testing::run_child("child: too many permits");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("semaphore::release: 1 or more permits can be released, and their sum must "
                                         "fit, got 9223372036854775807 beside 1 of semaphore semaphore_test.cc:"));
}
