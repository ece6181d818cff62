// What only looks like a deadlock: each time all actors are blocked for a while, and something is left that can wake
// one.
//
// Most wait until the library has looked for a deadlock twice, and only then let the wake come: a look that overlooked
// it would have cancelled the actors. The races at the end look all the time, from a thread of their own, while single
// wakes go to and fro between all kinds of threads.
#include "weir/runtime/internal/quiescence.h"

#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/deadlocks.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/job_pool.h"
#include "weir/runtime/internal/outside_events.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/offload.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/mutex.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::in_actor;
using testing::looks;
using testing::rounds;

TEST_CASE("a sleeping actor is going to wake") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
      s.spawn([tx = std::move(tx)] {
        for (looks l; !l.seen();) weir::this_actor::sleep(l.pause());
        tx.send(1);
      });
      CHECK(rx.recv() == 1);
    });
  });
}

TEST_CASE("one wait with a deadline is enough") {
  in_actor([] {
    auto never = weir::channel<int>(0);
    auto other = weir::channel<int>(0);
    weir::with_scope([&](weir::scope& s) {
      s.spawn([&] {
        for (looks l; !l.seen();) EXPECT(never.rx.recv(l.pause()).status() == weir::recv_status::timeout);
        other.tx.close();
      });
      CHECK(!other.rx.recv());
    });
  });
}

TEST_CASE("a scope's time limit is going to cancel it") {
  in_actor([] {
    for (looks l; !l.seen();) {
      auto own = weir::channel<int>(0);
      CHECK_FALSE(weir::within(l.pause(), [&] { own.rx.recv(); }));
    }
  });
}

TEST_CASE("a select with a timer, and one with a ticker, are going to go on") {
  in_actor([] {
    auto own = weir::channel<int>(0);
    for (looks l; !l.seen();)
      weir::select(weir::on_recv(own.rx, [](auto) { EXPECT(false); }), weir::after(l.pause(), [] {}));
    weir::ticker tick(500ms);
    for (looks l; !l.seen();)
      weir::select(weir::on_recv(own.rx, [](auto) { EXPECT(false); }), weir::on_tick(tick, [] {}));
  });
}

TEST_CASE("a thread that weir knows nothing of may still send") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::thread outside([tx = std::move(tx)] {
      const looks l;
      l.await();
      EXPECT(tx.send(1));
    });
    CHECK(rx.recv() == 1);
    outside.join();
  });
}

TEST_CASE("a thread that is parked in weir with a deadline may still send") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::thread outside([tx = std::move(tx)] {
      auto never = weir::channel<int>(0);
      for (looks l; !l.seen();) EXPECT(!never.rx.recv(l.pause()));
      EXPECT(tx.send(1));
    });
    CHECK(rx.recv() == 1);
    outside.join();
  });
}

TEST_CASE("a thread in a join from outside is not what keeps an actor from waking") {
  auto [tx, rx] = weir::channel<int>(0);
  weir::runtime r({.workers = testing::workers()});
  auto a = r.spawn([rx = rx] { EXPECT(rx.recv() == 1); });
  std::thread joins([&] { a.join(); });
  const looks l;
  l.await();
  CHECK(tx.send(1));
  joins.join();
  testing::check_expectations();
}

TEST_CASE("a blocking call that runs is going to end") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
      s.spawn([tx = std::move(tx)] {
        weir::blocking([] {
          const looks l;
          l.await();
        });
        tx.send(1);
      });
      CHECK(rx.recv() == 1);
    });
  });
}

TEST_CASE("a job of the runtime's pool for CPU work is going to end") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
      s.spawn([tx = std::move(tx)] {
        weir::offload([] {
          const looks l;
          l.await();
        });
        tx.send(1);
      });
      CHECK(rx.recv() == 1);
    });
  });
}

TEST_CASE("a job of a free-standing pool is going to end, also when nobody waits for its result") {
  weir::cpu_pool pool({.threads = 1});
  in_actor([&] {
    auto [tx, rx] = weir::channel<int>(0);
    (void)pool.submit([tx = std::move(tx)] {
      const looks l;
      l.await();
      EXPECT(tx.send(1));
    });
    CHECK(rx.recv() == 1);
  });
}

TEST_CASE("a job that has parked in weir may go on, as may those behind it") {
  weir::cpu_pool pool({.threads = 1});
  in_actor([&] {
    weir::internal::idle_threads_of_process.add_apart();
    auto to_job = weir::channel<int>(0);
    auto back = weir::channel<int>(0);
    std::atomic<bool> over{false};
    (void)pool.submit([&] { EXPECT(to_job.rx.recv() == 1); });
    (void)pool.submit([&] { EXPECT(back.tx.send(2)); });
    std::thread outside([&] {  // apart, so that nothing but the jobs keeps the peace
      const looks l(1);
      l.await();
      EXPECT(to_job.tx.send(1));
      while (!over) std::this_thread::sleep_for(1ms);  // as long as it is counted
    });
    CHECK(back.rx.recv() == 2);
    over = true;
    outside.join();
    weir::internal::idle_threads_of_process.remove_apart();
  });
}

TEST_CASE("an actor that computes is going to stop") {
  in_actor(
      [] {
        auto [tx, rx] = weir::channel<int>(0);
        weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
          s.spawn([tx = std::move(tx)] {
            const auto end = weir::internal::now() + 90ms;  // no look is taken while one runs
            while (weir::internal::now() < end) {
            }
            tx.send(1);
          });
          CHECK(rx.recv() == 1);
        });
      },
      2);
}

TEST_CASE("an actor of another runtime may be what is waited for") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::thread other([tx = std::move(tx)] {
      weir::run({.workers = 1}, [&] {
        for (looks l; !l.seen();) weir::this_actor::sleep(l.pause());
        EXPECT(tx.send(1));
      });
    });
    CHECK(rx.recv() == 1);
    other.join();
  });
}

TEST_CASE("who waits for an event from outside the process may be woken") {
  in_actor([] {
    weir::internal::idle_threads_of_process.add_apart();
    auto [tx, rx] = weir::channel<int>(0);
    // It is apart, so that nothing but the announcement keeps the peace.
    std::thread kernel([tx = std::move(tx)] {
      const looks l(1);
      l.await();
      EXPECT(tx.send(1));
    });
    {
      const weir::internal::outside_event_expected expected;
      CHECK(rx.recv() == 1);
    }
    weir::internal::idle_threads_of_process.remove_apart();
    kernel.join();
  });
}

TEST_CASE("a descriptor that a worker's loop watches may become ready") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  in_actor([&] {
    auto [tx, rx] = weir::channel<int>(1);
    struct watch : weir::internal::loop_request {
      uv_poll_t poll;
      int fd;
      weir::sender<int>* to;
    } w;
    w.fd = ends[0];
    w.to = &tx;
    w.run = [](weir::internal::loop_request& self, weir::internal::worker& on) {
      auto& me = static_cast<watch&>(self);
      uv_poll_init(on.loop(), &me.poll, me.fd);
      me.poll.data = &me;
      uv_poll_start(&me.poll, UV_READABLE, [](uv_poll_t* p, int, int) {
        uv_poll_stop(p);
        uv_close(reinterpret_cast<uv_handle_t*>(p),
                 [](uv_handle_t* h) { static_cast<watch*>(h->data)->to->try_send(1); });
      });
    };
    weir::internal::worker& here = weir::internal::current_worker();
    here.runtime().scheduler().post(here.seat(), w);
    weir::internal::idle_threads_of_process.add_apart();  // as in the test before
    std::thread outside([&] {
      const looks l(1);
      l.await();
      EXPECT(write(ends[1], "x", 1) == 1);
    });
    CHECK(rx.recv() == 1);
    weir::internal::idle_threads_of_process.remove_apart();
    outside.join();
  });
  close(ends[0]), close(ends[1]);
}

TEST_CASE("a runtime without actors is no deadlock, nor are plain threads that wait for each other") {
  weir::runtime idle({.workers = testing::workers()});
  auto [tx, rx] = weir::channel<int>(0);
  std::thread other([rx = std::move(rx)] { EXPECT(rx.recv() == 1); });
  const looks l(1);
  l.await();
  CHECK(tx.send(1));
  other.join();
  testing::check_expectations();
}

namespace {

// One look. Then whoever waits for the list of runtimes gets a turn: a thread that looks without pause, and has to
// share its core, loses it with the list held nearly each time, and then each of the others waits for whole time
// slices.
weir::internal::stillness look() {
  using namespace weir::internal;
  const auto seen = [] {
    process_hold held;
    return look_for_life(held);
  }();
  std::this_thread::yield();
  return seen;
}

// Looks for life all the time while body() runs, and fails if ever none is found.
template <class Body>
void while_watched(Body body) {
  std::atomic<bool> stop{false};
  std::atomic<int> taken{0}, dead{0};
  std::thread watcher([&] {
    weir::internal::idle_threads_of_process.add_apart();
    while (!stop) {
      if (look() == weir::internal::stillness::dead) ++dead;
      ++taken;
    }
    weir::internal::idle_threads_of_process.remove_apart();
  });
  while (taken == 0) std::this_thread::yield();
  body();
  stop = true;
  watcher.join();
  CHECK(dead == 0);
  testing::check_expectations();
}

// `n` messages to and fro.
void serve(const weir::receiver<int>& from, const weir::sender<int>& to) {
  for (int v : from)
    if (!to.send(v)) return;
}
void ask(const weir::sender<int>& to, const weir::receiver<int>& from, int n) {
  for (int i = 0; i < n; ++i) EXPECT(to.send(i) && from.recv() == i);
}

}  // namespace

TEST_CASE("a wake that goes to and fro between a plain thread and an actor is never overlooked") {
  while_watched([] {
    auto there = weir::channel<int>(0);
    auto back = weir::channel<int>(0);
    weir::runtime r({.workers = testing::workers()});
    auto server = r.spawn([from = there.rx, to = back.tx] { serve(from, to); });
    ask(there.tx, back.rx, rounds(10'000));
    there.tx.close();
    server.join();
  });
}

TEST_CASE("nor one between two runtimes") {
  while_watched([] {
    auto there = weir::channel<int>(0);
    auto back = weir::channel<int>(0);
    weir::runtime one({.workers = 1}), two({.workers = testing::workers()});
    auto server = one.spawn([from = there.rx, to = back.tx] { serve(from, to); });
    two.run([&] { ask(there.tx, back.rx, rounds(10'000)); });
    there.tx.close();
    server.join();
  });
}

TEST_CASE("nor one between workers, by pinned inboxes") {
  while_watched([] {
    auto there = weir::channel<int>(0);
    auto back = weir::channel<int>(0);
    weir::runtime r({.workers = 3});
    auto server = r.spawn([from = there.rx, to = back.tx] { serve(from, to); }, {.pinned = 1});
    r.spawn([&] { ask(there.tx, back.rx, rounds(10'000)); }, {.pinned = 2}).join();
    there.tx.close();
    server.join();
  });
}

TEST_CASE("nor one by a blocking call") {
  while_watched([] {
    int sum = 0;
    weir::run({.workers = testing::workers()}, [&] {
      for (int i = 0; i < rounds(10'000); ++i) sum += weir::blocking([&] { return 1; });
    });
    CHECK(sum == rounds(10'000));
  });
}

TEST_CASE("nor one by a job of either of two pools, while idle threads come and go") {
  while_watched([] {
    weir::cpu_pool own({.threads = 2});
    int sum = 0;
    weir::run({.workers = testing::workers()}, [&] {
      for (int i = 0; i < rounds(3'000); ++i) {
        sum += weir::offload([] { return 1; });
        sum += own.submit([] { return 1; }).get();
      }
    });
    CHECK(sum == 2 * rounds(3'000));
  });
}

TEST_CASE("nor one by a plain thread, while threads of a pool that were idle end") {
  // A thread that ends and is still counted would hide the one that sends.
  while_watched([] {
    struct nothing : weir::internal::pool_job {
      std::atomic<bool> over{false};
      nothing()
          : pool_job([](pool_job&) noexcept {},
                     [](pool_job& self, bool) noexcept { static_cast<nothing&>(self).over = true; }) {}
    };
    weir::runtime r({.workers = testing::workers()});
    auto [tx, rx] = weir::channel<int>(0);
    const int n = rounds(2'000);
    auto receiver = r.spawn([&, rx = rx] {
      for (int i = 0; i < n; ++i) EXPECT(rx.recv() == i);
    });
    weir::internal::job_pool pool({.thread_name = "test", .most_threads = 1, .linger = 50us});
    for (int i = 0; i < n; ++i) {
      nothing j;
      pool.push(j);
      while (!j.over || pool.pending() != 0) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::microseconds(i % 100));
      CHECK(tx.send(i));
    }
    receiver.join();
    pool.stop();
  });
}

namespace {

// A relay of threads: each sends its number, itself or by an actor that it spawns, starts the next, and ends.
void run_relay(weir::runtime& r, const weir::sender<int>& tx, int i, int n) {
  if (i == n) return;
  if (i % 2 == 0)
    EXPECT(tx.send(int(i)));
  else
    r.spawn([&tx, i] { EXPECT(tx.send(int(i))); }).detach();
  std::thread([&r, &tx, i, n] { run_relay(r, tx, i + 1, n); }).detach();
}

}  // namespace

TEST_CASE("nor one by a thread that ends right after it, nor its spawn") {
  while_watched([] {
    weir::runtime r({.workers = testing::workers()});
    auto [tx, rx] = weir::channel<int>(4);
    const int n = rounds(3'000);
    auto receiver = r.spawn([&, rx = rx] {
      std::vector<bool> seen(static_cast<std::size_t>(n));
      for (int i = 0; i < n; ++i) seen[static_cast<std::size_t>(rx.recv().value())] = true;
      EXPECT(std::count(seen.begin(), seen.end(), true) == n);
    });
    run_relay(r, tx, 0, n);
    receiver.join();
  });
}

TEST_CASE("nor one by a timer, whichever worker it is on") {
  while_watched([] {
    weir::run({.workers = testing::workers()}, [] {
      weir::with_scope([](weir::scope& s) {
        for (int k = 0; k < 3; ++k)
          s.spawn([] {
            for (int i = 0; i < rounds(1'000); ++i) weir::this_actor::sleep(100us);
          });
      });
    });
  });
}

TEST_CASE("nor one by the unlock of a mutex between an actor and a plain thread") {
  while_watched([] {
    weir::runtime r({.workers = testing::workers()});
    weir::mutex m;
    int count = 0;
    const auto work = [&] {
      for (int i = 0; i < rounds(10'000); ++i) {
        const std::lock_guard lock(m);
        ++count;
      }
    };
    auto a = r.spawn(work);
    work();
    a.join();
    CHECK(count == 2 * rounds(10'000));
  });
}

TEST_CASE("once the last wake has been used up the same look finds nothing alive") {
  // So the watched tests above could have failed.
  weir::runtime r({.workers = testing::workers()});
  std::atomic<bool> dead{false};
  std::thread watcher([&] {
    weir::internal::idle_threads_of_process.add_apart();
    while (!dead) dead = look() == weir::internal::stillness::dead || r.core().deadlock() != nullptr;
    weir::internal::idle_threads_of_process.remove_apart();
  });
  CHECK_THROWS_AS(r.run([] { weir::this_actor::sleep(weir::deadline::never()); }), weir::deadlock);
  watcher.join();
  CHECK(dead);
}
