// What a dump says of those who wait for each of the primitives.
#include "tests/dump.h"

#include <mutex>

#include "tests/testing.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/barrier.h"
#include "weir/runtime/sync/condition.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/sync/mutex.h"
#include "weir/runtime/sync/once.h"
#include "weir/runtime/sync/semaphore.h"
#include "weir/runtime/sync/shared_mutex.h"
#include "weir/runtime/sync/wait_group.h"

using namespace std::chrono_literals;
using testing::dump;
using testing::eventually;
using testing::row;
using testing::waits;

TEST_CASE("the dump tells of every wait what is waited for, where it was made, and who holds it") {
  testing::in_actor([] {
    weir::mutex m, used;
    weir::shared_mutex sm;
    weir::condition c;
    weir::semaphore sem(2);
    weir::event e;
    weir::wait_group group;
    weir::barrier b(3);
    weir::once o;
    group.add(2);
    sm.lock_shared();
    weir::with_scope([&](weir::scope& s) {
      s.spawn("holder", [&] {
        std::lock_guard guard(m);
        weir::this_actor::sleep(1h);
      });
      eventually([&] { return waits("holder", "sleep"); });
      s.spawn("locker", [&] { m.lock(); });
      s.spawn("writer", [&] { sm.lock(); });
      s.spawn("notified", [&] {
        std::unique_lock lock(used);
        c.wait(lock);
      });
      s.spawn("greedy", [&] { sem.acquire(5); });
      s.spawn("listener", [&] { e.wait(); });
      s.spawn("joiner", [&] { group.wait(); });
      s.spawn("arriver", [&] { b.arrive_and_wait(); });
      s.spawn("runner", [&] { o.call([] { weir::this_actor::sleep(1h); }); });
      eventually([&] { return waits("runner", "sleep"); });
      s.spawn("late", [&] { o.call([] {}); });
      eventually([&] {
        return waits("locker", "lock") && waits("writer", "lock") && waits("notified", "wait") &&
               waits("greedy", "acquire") && waits("listener", "wait") && waits("joiner", "wait") &&
               waits("arriver", "arrive") && waits("late", "call");
      });
      const std::string table = dump();
      CHECK_THAT(row(table, "locker"), Catch::Contains("locker lock mutex dump_test.cc:") &&
                                           Catch::Contains(" held by actor \"holder\" (#2) "));
      CHECK_THAT(row(table, "writer"),
                 Catch::Contains("writer lock shared_mutex dump_test.cc:") && Catch::Contains(" held by 1 readers "));
      CHECK_THAT(row(table, "notified"), Catch::Contains("notified wait condition dump_test.cc:"));
      CHECK_THAT(row(table, "greedy"),
                 Catch::Contains("greedy acquire semaphore dump_test.cc:") && Catch::Contains(" (2 free, 5 wanted) "));
      CHECK_THAT(row(table, "listener"), Catch::Contains("listener wait event dump_test.cc:"));
      CHECK_THAT(row(table, "joiner"),
                 Catch::Contains("joiner wait wait_group dump_test.cc:") && Catch::Contains(" (2 left) "));
      CHECK_THAT(row(table, "arriver"),
                 Catch::Contains("arriver arrive barrier dump_test.cc:") && Catch::Contains(" (1 of 3 arrived) "));
      CHECK_THAT(row(table, "late"),
                 Catch::Contains("late call once dump_test.cc:") && Catch::Contains(" run by actor \"runner\" (#"));
      s.cancel();
    });
    sm.unlock_shared();
  });
}

TEST_CASE("dumps may be taken all the time while a mutex goes from hand to hand") {
  testing::in_actor([] {
    weir::mutex m;
    std::atomic<bool> stop{false};
    std::thread dumper([&] {
      while (!stop) (void)dump();
    });
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 4; ++a)
        s.spawn("user", [&] {
          for (int i = 0; i < testing::rounds(5000); ++i) {
            std::lock_guard guard(m);
            weir::this_actor::yield();
          }
        });
    });
    stop = true;
    dumper.join();
  });
}
