// A deadlock ends run with a report: how it ends, and what the report says of locks, joins and scopes. What only looks
// like a deadlock is in quiescence_test.cc.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/deadlocks.h"
#include "weir/channels/channel.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/outside_events.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/offload.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/sync/condition.h"
#include "weir/runtime/sync/mutex.h"
#include "weir/runtime/sync/shared_mutex.h"
#include "weir/runtime/sync/wait_group.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/wait_fd.h"

using namespace std::chrono_literals;
using testing::report_of;

namespace {

void wait_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }

// A descriptor that becomes readable once a look for deadlocks has met a plain thread that waits for it, and nothing
// else that speaks against one.
class event_after_a_look {
 public:
  event_after_a_look() {
    REQUIRE(pipe2(ends_, O_CLOEXEC) == 0);
    weir::internal::idle_threads_of_process.add_apart();
    thread_ = std::thread([this] {
      while (!is_awaited()) std::this_thread::sleep_for(1ms);
      const testing::looks one(1);
      weir::internal::look_for_deadlocks_again();  // those of the time before the wait may be over
      one.await();
      { const weir::internal::process_hold look_is_over; }
      EXPECT(write(ends_[1], "x", 1) == 1);
      while (!over_) std::this_thread::sleep_for(1ms);  // as long as it is counted apart
    });
  }
  ~event_after_a_look() {
    over_ = true;
    thread_.join();
    weir::internal::idle_threads_of_process.remove_apart();
    close(ends_[0]), close(ends_[1]);
  }

  bool wait() const { return weir::wait_fd(ends_[0], weir::fd_event::readable); }
  static bool is_awaited() { return weir::internal::expected_outside_events.load() != 0; }

 private:
  int ends_[2];
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("philosophers who all take the left fork first: the circle of locks, and who holds each") {
  const std::string report = report_of([] {
    std::vector<std::unique_ptr<weir::mutex>> forks;
    for (int i = 0; i < 3; ++i) forks.push_back(std::make_unique<weir::mutex>());
    weir::wait_group seated;
    seated.add(3);
    weir::with_scope([&](weir::scope& s) {
      for (std::size_t i = 0; i < 3; ++i)
        s.spawn("p" + std::to_string(i), [&, i] {
          std::lock_guard left(*forks[i]);
          seated.done();
          seated.wait();
          std::lock_guard right(*forks[(i + 1) % 3]);
        });
    });
  });
  CHECK_THAT(report, Catch::Contains("#2 p0  blocked in lock on mutex unique_ptr.h:"));
  CHECK_THAT(report, Catch::Contains(" held by actor \"p1\" (#3), spawned at deadlock_test.cc:N\n"));
  CHECK_THAT(report, Catch::Contains("  cycle: p0 -> [mutex "));
  CHECK_THAT(report, Catch::Contains("also blocked because of it:\n    #1 main  blocked in wait on scope "));
  CHECK_THAT(report, Catch::Contains("hint: take several locks in the same order everywhere, or all at once: "
                                     "std::scoped_lock both(a, b) cannot"));
}

TEST_CASE("a shared_mutex names its writer") {
  const std::string report = report_of([] {
    weir::shared_mutex first, second;
    weir::wait_group both;
    both.add(2);
    const auto cross = [&](weir::shared_mutex& a, weir::shared_mutex& b) {
      std::lock_guard one(a);
      both.done();
      both.wait();
      b.lock_shared();
      b.unlock_shared();
    };
    weir::with_scope([&](weir::scope& s) {
      s.spawn("one", [&] { cross(first, second); });
      s.spawn("two", [&] { cross(second, first); });
    });
  });
  CHECK_THAT(report, Catch::Contains("cycle: one -> [shared_mutex deadlock_test.cc:N] -> two -> [shared_mutex "
                                     "deadlock_test.cc:N] -> one\n"));
}

TEST_CASE("one that waits for a message while it holds the lock that its sender needs") {
  const std::string report = report_of([] {
    weir::mutex m;
    auto news = weir::channel<int>(0, "news");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("reader", [&m, rx = std::move(news.rx)] {
        std::lock_guard held(m);
        rx.recv();
      });
      s.spawn("writer", [&m, tx = std::move(news.tx)] {
        for (;;) {  // until the reader has the lock
          std::unique_lock mine(m, std::try_to_lock);
          if (!mine) break;
          mine.unlock();
          weir::this_actor::yield();
        }
        std::lock_guard held(m);
        tx.send(1);
      });
    });
  });
  CHECK_THAT(report, Catch::Contains("cycle: reader -> [news] -> writer -> [mutex deadlock_test.cc:N] -> reader\n"));
  CHECK_THAT(report, Catch::Contains("#2 reader waits while it holds what another needs to go on. Unlock before"));
}

TEST_CASE("two actors that join each other, with the places of the joins") {
  const std::string report = report_of([] {
    weir::actor_ref<void> second;  // the cancel takes the scope's body before its actors
    weir::wait_group known;
    known.add(1);
    weir::with_scope([&](weir::scope& s) {
      const auto first = s.spawn("first", [&] {
        known.wait();
        second.wait();
      });
      second = s.spawn("second", [first]() mutable { first.wait(); });
      known.done();
      second.wait();
    });
  });
  CHECK_THAT(report, Catch::Contains("cycle: first -> (end of) -> second -> (end of) -> first\n"));
  CHECK_THAT(report, Catch::Contains("#2 first   blocked in join on actor \"second\" (#3), at deadlock_test.cc:N\n"));
  CHECK_THAT(report, Catch::Contains("hint: actors that wait for each other's end never end."));
}

TEST_CASE("a scope that waits for an actor that waits for the scope's host") {
  const std::string report = report_of([] {
    weir::actor<void> host;
    weir::wait_group known;
    known.add(1);
    host = weir::spawn("host", [&] {
      weir::with_scope([&](weir::scope& s) {
        s.spawn("guest", [&] {
          known.wait();
          host.wait();
        });
      });
    });
    known.done();
    host.wait();
  });
  CHECK_THAT(report, Catch::Contains("cycle: host -> [scope deadlock_test.cc:N] -> guest -> (end of) -> host\n"));
}

TEST_CASE("where nobody can be named the report lists who waits for what, and hints at what is missing") {
  CHECK_THAT(report_of([] {
               weir::mutex m;
               weir::condition never;
               std::unique_lock lock(m);
               never.wait(lock);
             }),
             Catch::Contains("blocked:\n    #1 main  blocked in wait on condition deadlock_test.cc:N") &&
                 Catch::Contains("has to be set, notified or released by an actor that can still run"));
  CHECK_THAT(report_of([] { wait_for_ever(); }),
             Catch::Contains("a sleep without an end can only be ended by a cancel"));
}

TEST_CASE("run throws deadlock when every actor has ended, its destructors run") {
  std::atomic<int> destroyed{0};
  struct counted {
    std::atomic<int>& n;
    ~counted() { ++n; }
  };
  weir::runtime r({.workers = testing::workers()});
  bool thrown = false;
  try {
    r.run([&] {
      const counted in_main{destroyed};
      for (int i = 0; i < 10; ++i)
        weir::spawn([&] {
          const counted here{destroyed};
          wait_for_ever();
        }).detach();
      wait_for_ever();
    });
  } catch (const weir::deadlock& d) {
    thrown = true;
    CHECK_THAT(d.what(), Catch::StartsWith("DEADLOCK: all 11 actors"));
    CHECK(destroyed == 11);
    CHECK(r.actors() == 0);
  }
  CHECK(thrown);
}

TEST_CASE("whatever main makes of its cancel, run throws deadlock, and every later run of that runtime does") {
  weir::runtime r({.workers = testing::workers()});
  CHECK_THROWS_AS(r.run([] {
    try {
      wait_for_ever();
    } catch (const weir::cancelled&) {
      throw std::runtime_error("main's own");
    }
  }),
                  weir::deadlock);
  CHECK_THROWS_AS(r.run([] { return 1; }), weir::deadlock);
  weir::runtime other({.workers = testing::workers()});
  CHECK(other.run([] { return 2; }) == 2);
}

TEST_CASE("actors in a shield have the grace to end") {
  std::atomic<bool> cleaned{false};
  CHECK_THAT(report_of([&] {
               try {
                 wait_for_ever();
               } catch (...) {
                 weir::shielded(1h, [&] {
                   weir::this_actor::sleep(30ms);
                   cleaned = true;
                 });
                 throw;
               }
             }),
             Catch::StartsWith("DEADLOCK"));
  CHECK(cleaned);
}

TEST_CASE("two runtimes whose actors wait for each other are one deadlock, and both run calls throw its report") {
  auto there = weir::channel<int>(0, "there");
  auto back = weir::channel<int>(0, "back");
  std::string reports[2];
  const auto run_one = [&](int i, auto tx, auto rx) {
    try {
      weir::runtime r({.workers = 1});
      r.run([tx = std::move(tx), rx = std::move(rx)] { tx.send(*rx.recv()); });
    } catch (const weir::deadlock& d) {
      reports[i] = d.what();
    }
  };
  std::thread other(
      [&, tx = std::move(there.tx), rx = std::move(back.rx)]() mutable { run_one(0, std::move(tx), std::move(rx)); });
  run_one(1, std::move(back.tx), std::move(there.rx));
  other.join();
  CHECK_THAT(reports[0],
             Catch::Contains("all 2 actors") && Catch::Contains("-> [back] -> ") && Catch::Contains("-> [there] -> "));
  CHECK(reports[0] == reports[1]);
}

TEST_CASE("a thread of the program that parks in weir later than everybody else completes the deadlock") {
  weir::runtime r({.workers = testing::workers()});
  auto ends = weir::channel<int>(0, "late");
  auto a = r.spawn("waiter", [rx = ends.rx] { rx.recv(); });
  const testing::looks looks;
  looks.await();  // so far nothing was said, because of this thread
  CHECK(r.actors() == 1);
  a.wait();
  CHECK(r.core().deadlock() != nullptr);
  CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
}

TEST_CASE("so does one that waits for a descriptor first") {
  event_after_a_look event;
  weir::runtime r({.workers = testing::workers()});
  auto ends = weir::channel<int>(0, "late");
  auto a = r.spawn("waiter", [rx = ends.rx] { rx.recv(); });
  CHECK(event.wait());
  CHECK(r.actors() == 1);
  a.wait();
  CHECK(r.core().deadlock() != nullptr);
  testing::check_expectations();
}

TEST_CASE("the end of a thread's wait for a descriptor is noticed even if the thread does nothing more") {
  event_after_a_look event;
  std::atomic<bool> over{false};
  weir::internal::idle_threads_of_process.add_apart();  // so that only its wait speaks against a deadlock
  std::thread waits([&] {
    EXPECT(event.wait());
    while (!over) std::this_thread::sleep_for(1ms);
  });
  while (!event.is_awaited()) std::this_thread::sleep_for(1ms);
  CHECK_THAT(report_of([] { wait_for_ever(); }), Catch::StartsWith("DEADLOCK: the only actor"));
  over = true;
  waits.join();
  weir::internal::idle_threads_of_process.remove_apart();
}

TEST_CASE("a thread that ends without a word after everybody else has parked is noticed") {
  std::atomic<bool> ended{false};
  std::thread last;
  CHECK_THAT(report_of([&] {
               last = std::thread([&] {
                 const testing::looks looks;
                 looks.await();
                 ended = true;
               });
               wait_for_ever();
             }),
             Catch::StartsWith("DEADLOCK: the only actor"));
  CHECK(ended);
  last.join();
}

TEST_CASE("threads of pools that have no job do not hide a deadlock") {
  weir::cpu_pool own({.threads = 1});
  CHECK_THAT(report_of([&] {
               weir::blocking([] {});
               weir::offload([] {});
               own.submit([] {}).get();
               wait_for_ever();
             }),
             Catch::StartsWith("DEADLOCK: the only actor"));
}

TEST_CASE("nor does the job that ends last") {
  weir::cpu_pool own({.threads = 1});
  CHECK_THAT(report_of([&] {
               (void)own.submit([] {
                 const testing::looks looks;
                 looks.await();
               });
               wait_for_ever();
             }),
             Catch::StartsWith("DEADLOCK: the only actor"));
}

TEST_CASE("a deadline that is over does not hide a deadlock, though its worker still sleeps for it") {
  weir::runtime r({.workers = 2});
  CHECK_THROWS_AS(r.run([] {
    const auto [tx, rx] = weir::channel<int>(1);
    std::atomic<bool> waits{false};
    weir::with_scope([&, &tx = tx, &rx = rx](weir::scope& s) {
      // Keeps its worker from the others, so that the receiver waits on the other one, and goes on here.
      const auto send = [&] {
        while (!waits) std::this_thread::yield();
        std::this_thread::sleep_for(20ms);  // by now that one sleeps, for an hour
        tx.send(1);
      };
      s.spawn("sender", send, {.pinned = 1});
      s.spawn("receiver", [&] {
        waits = true;
        EXPECT(rx.recv(1h));
        wait_for_ever();
      });
    });
  }),
                  weir::deadlock);
  testing::check_expectations();
}

TEST_CASE("a deadlock that leaves main: the report and exit status 70") {
  // Catch2 would catch it, so it leaves a thread's function, which is the same to the C++ runtime.
  const auto end = testing::run_child("a deadlock on a thread of its own");
  CHECK(end.exit_status == weir::deadlock::exit_status);
  CHECK_THAT(end.output, Catch::Contains("before\n"));
  CHECK_THAT(end.output, Catch::Contains("weir: DEADLOCK: the only actor is blocked"));
  CHECK(end.output.find("terminate called") == std::string::npos);
}

TEST_CASE("a deadlock on a thread of its own", "[.child]") {
  std::printf("before\n");
  weir::internal::idle_threads_of_process.add_apart();  // this one, in join()
  std::thread([] { weir::run([] { wait_for_ever(); }); }).join();
}

TEST_CASE("without a run that could throw it the report goes to stderr") {
  const auto end = testing::run_child("a deadlock without a run");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("weir: DEADLOCK: the only actor is blocked"));
}

TEST_CASE("a deadlock without a run", "[.child]") {
  weir::runtime r({.workers = 1});
  auto a = r.spawn([] { wait_for_ever(); });
  CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
}

TEST_CASE("actors that do not end within the grace are named after the report, and the process aborts") {
  const auto end = testing::run_child("a deadlock behind a shield");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("weir: DEADLOCK: the only actor is blocked"));
  CHECK_THAT(end.output, Catch::Contains("1 actors still live 50 ms after their deadlock was found"));
}

TEST_CASE("a deadlock behind a shield", "[.child]") {
  weir::run({.workers = 1, .grace = 50ms}, [] { weir::shielded([] { wait_for_ever(); }); });
}
