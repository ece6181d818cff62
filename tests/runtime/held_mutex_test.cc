// The test links //runtime/internal:held_mutex, as dbg builds do.
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/internal/park_check.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/sync/event.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

#ifndef WEIR_TSAN  // there the check is left out
TEST_CASE("the check is in this build") { CHECK(weir::internal::check_before_park.load() != nullptr); }

TEST_CASE("child: a std::mutex held over a receive", "[.child]") {
  in_actor([] {
    auto jobs = weir::channel<int>(4, "jobs");
    std::mutex m;
    weir::spawn("careless", [&] {
      std::lock_guard guard(m);
      jobs.rx.recv();
    }).join();
  });
}

TEST_CASE("child: a std::mutex held over a yield", "[.child]") {
  in_actor([] {
    std::timed_mutex m;
    if (!m.try_lock_for(1s)) return;
    weir::this_actor::yield();
    m.unlock();
  });
}

TEST_CASE("child: a recursive mutex unlocked once less", "[.child]") {
  in_actor([] {
    std::recursive_mutex m;
    m.lock();
    if (m.try_lock()) m.unlock();
    weir::this_actor::sleep(1ms);
    m.unlock();
  });
}

TEST_CASE("a std::mutex held over a park stops the process, with the actor, the wait and the remedy") {
  const auto receive = testing::run_child("child: a std::mutex held over a receive");
  CHECK(receive.signal == SIGABRT);
  CHECK_THAT(receive.output,
             Catch::Contains("weir: misuse: recv: an actor must hold no std::mutex while it parks") &&
                 Catch::Contains("got actor \"careless\" (#2) with 1 held, about to recv channel \"jobs\" 0/4 empty "
                                 "(held_mutex_test.cc:") &&
                 Catch::Contains("Use weir::mutex, or unlock it before."));
  CHECK_THAT(testing::run_child("child: a std::mutex held over a yield").output,
             Catch::Contains("actor \"main\" (#1) with 1 held, about to yield "));
  CHECK_THAT(testing::run_child("child: a recursive mutex unlocked once less").output,
             Catch::Contains("with 1 held, about to sleep "));
}
#endif

TEST_CASE("what is unlocked before a park is no misuse: tries that failed, recursion, condition variables, any order") {
  in_actor([] {
    std::mutex a, b;
    std::recursive_mutex twice;
    std::timed_mutex timed;
    a.lock();
    b.lock();
    a.unlock();
    b.unlock();
    twice.lock(), twice.lock();
    twice.unlock(), twice.unlock();
    weir::this_actor::yield();

    std::atomic<bool> held{false}, stop{false};
    std::thread holder([&] {
      std::scoped_lock both(a, timed);
      held = true;
      while (!stop) std::this_thread::yield();
    });
    eventually([&] { return held.load(); });
    CHECK(!a.try_lock());
    CHECK(!timed.try_lock());
    CHECK(!timed.try_lock_for(1ms));
    weir::this_actor::yield();
    stop = true;
    holder.join();

    std::condition_variable changed;
    bool there = false;
    std::thread notifier([&] {
      std::lock_guard guard(a);
      there = true;
      changed.notify_one();
    });
    {
      std::unique_lock lock(a);
      changed.wait(lock, [&] { return there; });
      CHECK(changed.wait_for(lock, 1ms) == std::cv_status::timeout);
    }
    weir::this_actor::yield();
    notifier.join();
  });
}

TEST_CASE("a plain thread may hold a std::mutex while it waits: it goes on where it was") {
  weir::event e;
  std::mutex m;
  std::thread thread([&] {
    std::lock_guard guard(m);
    EXPECT(e.wait());
  });
  in_actor([&] { e.set(); });
  thread.join();
}
