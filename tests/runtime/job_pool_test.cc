// The threads behind blocking, offload and cpu_pool: how many there are, when they end, at which priority they run.
#include "weir/runtime/internal/job_pool.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "tests/testing.h"

using namespace std::chrono_literals;
using weir::internal::job_pool;
using weir::internal::pool_job;

namespace {

// Counts, and waits for `open` if told so.
struct counted : pool_job {
  struct tally {
    std::atomic<int> begun{0}, finished{0}, not_run{0};
    std::atomic<bool> open{true};
  };
  explicit counted(tally& t) noexcept : pool_job(&counted::count, &counted::over), sum(t) {}
  static void count(pool_job& self) noexcept {
    tally& t = static_cast<counted&>(self).sum;
    ++t.begun;
    while (!t.open) std::this_thread::sleep_for(100us);
  }
  static void over(pool_job& self, bool ran) noexcept {
    tally& t = static_cast<counted&>(self).sum;
    if (!ran) ++t.not_run;
    ++t.finished;
  }
  tally& sum;
};

template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(100us);
}

}  // namespace

TEST_CASE("threads are started as jobs need them, up to the cap; then jobs wait in line") {
  counted::tally t;
  t.open = false;
  std::deque<counted> jobs;
  job_pool pool({.thread_name = "test", .most_threads = 3});
  CHECK(pool.stats().threads == 0);
  for (int n = 1; n <= 5; ++n) {
    pool.push(jobs.emplace_back(t));
    wait_until([&] { return t.begun == std::min(n, 3); });
    const auto s = pool.stats();
    CHECK(s.threads == std::min(n, 3));
    CHECK(s.busy == std::min(n, 3));
    CHECK(s.queued == static_cast<std::size_t>(n - std::min(n, 3)));
    CHECK(pool.pending() == static_cast<std::size_t>(n));
  }
  t.open = true;
  wait_until([&] { return t.finished == 5 && pool.pending() == 0; });
  const auto s = pool.stats();
  CHECK(s.done == 5);
  CHECK(s.busy == 0);
  CHECK(s.queued == 0);
  CHECK(s.waited > 0ns);
  CHECK(t.not_run == 0);
}

TEST_CASE("one job after the other needs one thread only, the one that is there") {
  counted::tally t;
  std::deque<counted> jobs;
  job_pool pool({.thread_name = "test", .most_threads = 4});
  for (int i = 1; i <= 200; ++i) {
    pool.push(jobs.emplace_back(t));
    wait_until([&] { return t.finished == i && pool.stats().busy == 0; });
    // From finish() on the thread needs a moment to be idle again; until then a job would want another one.
    std::this_thread::sleep_for(200us);
  }
  CHECK(pool.stats().threads <= 4);
  CHECK(pool.stats().done == 200);
}

TEST_CASE("a thread that lingers without a job ends; the next job starts another") {
  counted::tally t;
  std::deque<counted> jobs;
  job_pool pool({.thread_name = "test", .most_threads = 3, .linger = 1ms});
  for (int round = 1; round <= 20; ++round) {
    for (int i = 0; i < 3; ++i) pool.push(jobs.emplace_back(t));
    wait_until([&] { return t.finished == 3 * round; });
    wait_until([&] { return pool.stats().threads == 0; });
  }
  CHECK(pool.stats().done == 60);
}

TEST_CASE("jobs that come while threads give up lingering are run all the same") {
  const int n = testing::rounds(2000);
  counted::tally t;
  std::deque<counted> jobs;
  job_pool pool({.thread_name = "test", .most_threads = 2, .linger = 50us});
  for (int i = 1; i <= n; ++i) {
    pool.push(jobs.emplace_back(t));
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(i % 150);
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  wait_until([&] { return t.finished == n; });
  CHECK(t.not_run == 0);
}

TEST_CASE("a pool that stops runs no job of its line, and waits for those that run") {
  const int n = testing::rounds(300);
  for (int i = 0; i < n; ++i) {
    counted::tally t;
    std::deque<counted> jobs;
    {
      job_pool pool({.thread_name = "test", .most_threads = 1 + i % 3});
      for (int k = 0; k < 8; ++k) pool.push(jobs.emplace_back(t));
      for (int k = 0; k < i % 7; ++k) std::this_thread::yield();
    }
    REQUIRE(t.finished == 8);
    REQUIRE(t.begun + t.not_run == 8);
  }
}

TEST_CASE("what was taken back never runs, and what could not be runs once") {
  const int n = testing::rounds(10'000);
  int taken = 0;
  counted::tally t;
  std::deque<counted> jobs;
  job_pool pool({.thread_name = "test", .most_threads = 2});
  for (int i = 0; i < n; ++i) {
    counted& j = jobs.emplace_back(t);
    pool.push(j);
    for (int k = 0; k < i % 50; ++k) weir::internal::spin_pause();
    taken += pool.take_back(j) ? 1 : 0;
  }
  wait_until([&] { return pool.pending() == 0; });
  CHECK(t.begun == n - taken);
  CHECK(t.finished == n - taken);
  CHECK(t.not_run == 0);
}

TEST_CASE("threads for CPU work run at a lower priority, also when one of them has the next one started") {
  struct look : pool_job {
    explicit look(job_pool& p, look* another) noexcept
        : pool_job(
              [](pool_job& self) noexcept {
                auto& mine = static_cast<look&>(self);
                mine.nice = getpriority(PRIO_PROCESS, 0);
                if (mine.next == nullptr) return;
                mine.pool.push(*mine.next);
                while (!mine.next->done) std::this_thread::yield();  // so that it needs a thread of its own
              },
              [](pool_job& self, bool) noexcept { static_cast<look&>(self).done = true; }),
          pool(p),
          next(another) {}
    job_pool& pool;
    look* const next;
    int nice = 0;
    std::atomic<bool> done{false};
  };
  const int own = getpriority(PRIO_PROCESS, 0);
  job_pool pool(weir::internal::for_cpu_work(2, 1));
  look second(pool, nullptr), first(pool, &second);
  pool.push(first);
  wait_until([&] { return first.done && second.done; });
  CHECK(first.nice == std::min(19, own + 5));
  CHECK(second.nice == std::min(19, own + 5));
  CHECK(getpriority(PRIO_PROCESS, 0) == own);
}
