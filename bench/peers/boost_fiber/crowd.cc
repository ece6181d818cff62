// The workloads of many fibers; see bench/core/ for each. Stacks are Boost.Fiber's default.
#include <algorithm>
#include <atomic>
#include <cstddef>

#include "bench/harness/busy_work.h"
#include "bench/harness/memory.h"
#include "bench/harness/sleepers.h"
#include "bench/harness/workload.h"
#include "bench/peers/boost_fiber/fibers.h"

namespace {

namespace fibers = boost::fibers;
using bench::request;
using clock_type = std::chrono::steady_clock;
using fibers::channel_op_status;
using numbers = fibers::buffered_channel<std::int64_t>;

double nanoseconds_since(clock_type::time_point start) {
  return std::chrono::duration<double, std::nano>(clock_type::now() - start).count();
}

void spawn(const request& r) {
  constexpr std::int64_t batch = 10'000;
  const auto batches = [&](std::int64_t n) {
    std::vector<std::int64_t> slots(batch);
    std::vector<fibers::fiber> all;
    std::int64_t sum = 0;
    for (std::int64_t first = 0; first < n; first += batch) {
      const std::int64_t end = std::min(first + batch, n);
      for (std::int64_t i = first; i < end; ++i)
        all.emplace_back([i, slot = &slots[static_cast<std::size_t>(i - first)]] { *slot = i; });
      for (auto& f : all) f.join();
      all.clear();
      for (std::int64_t i = first; i < end; ++i) sum += slots[static_cast<std::size_t>(i - first)];
    }
    bench::require_sum(r, "the sum of what the actors wrote", sum, bench::sum_below(n));
  };
  bench::on_fibers(r.workers, [&] { bench::report_each(r, bench::timed(r.n, batches)); });
}

void node(numbers& up, std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) {
    up.push(first);
    return;
  }
  numbers c(16);
  const std::int64_t share = leaves / 10;
  fibers::fiber children[10];
  for (int i = 0; i < 10; ++i)
    children[i] = fibers::fiber([&c, first, share, i] { node(c, first + i * share, share); });
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) {
    std::int64_t v = 0;
    c.pop(v);
    sum += v;
  }
  for (auto& f : children) f.join();
  up.push(sum);
}

void skynet(const request& r) {
  const auto tree = [&](std::int64_t n) {
    std::int64_t leaves = 1;
    while (leaves * 10 <= n) leaves *= 10;
    numbers up(2);
    fibers::fiber root([&] { node(up, 0, leaves); });
    std::int64_t sum = 0;
    up.pop(sum);
    root.join();
    bench::require_sum(r, "the sum of the leaves", sum, bench::sum_below(leaves));
  };
  bench::on_fibers(r.workers, [&] { bench::report(r, "time", bench::timed(r.n, tree) * 1e-6, "ms"); });
}

void ring(const request& r) {
  bench::on_fibers(r.workers, [&] {
    const auto size = static_cast<std::size_t>(std::min<std::int64_t>(10'000, r.n));
    std::vector<fibers::unbuffered_channel<std::int64_t>> links(size);
    std::vector<std::int64_t> passed(size);
    std::vector<fibers::fiber> all;
    fibers::buffered_channel<clock_type::time_point> finished(2);
    for (std::size_t i = 0; i < size; ++i)
      all.emplace_back([&, i] {
        std::int64_t mine = 0;
        for (std::int64_t left; links[i].pop(left) == channel_op_status::success;) {
          ++mine;
          if (left == 1)
            finished.push(clock_type::now());
          else
            links[(i + 1) % size].push(left - 1);
        }
        passed[i] = mine;
        links[(i + 1) % size].close();  // a closed channel ends its receiver: once around
      });
    const auto warm = 2 * static_cast<std::int64_t>(size);
    clock_type::time_point end;
    links[0].push(warm);
    finished.pop(end);
    const auto start = clock_type::now();
    links[0].push(r.n);
    finished.pop(end);
    links[0].close();
    for (auto& f : all) f.join();
    std::int64_t sum = 0;
    for (std::int64_t p : passed) sum += p;
    bench::require_sum(r, "hops", sum, warm + r.n);
    bench::report_each(r, std::chrono::duration<double, std::nano>(end - start).count());
  });
}

void timers(const request& r) {
  std::vector<std::chrono::nanoseconds> late(static_cast<std::size_t>(r.n), std::chrono::nanoseconds(-1));
  bench::on_fibers(r.workers, [&] {
    const double before = bench::cpu_seconds();
    std::vector<fibers::fiber> all;
    for (std::int64_t i = 0; i < r.n; ++i)
      all.emplace_back([i, slot = &late[static_cast<std::size_t>(i)]] {
        const auto until = clock_type::now() + bench::sleep_of(i);
        boost::this_fiber::sleep_until(until);
        *slot = clock_type::now() - until;
      });
    for (auto& f : all) f.join();
    bench::report_sleepers(r, std::move(late), before);
  });
}

// As bench/idle/parked.cc.
class idle_round {
 public:
  explicit idle_round(std::int64_t fibers) : count_(fibers), countdown_(fibers) {}

  double spawn_ns = 0, wake_ns = 0;
  std::int64_t occupied = 0;

  std::int64_t run() {
    std::vector<fibers::fiber> all;
    all.reserve(static_cast<std::size_t>(count_));
    const auto start = clock_type::now();
    for (std::int64_t i = 0; i < count_; ++i) all.emplace_back([this] { live(); });
    all_passed();
    spawn_ns = nanoseconds_since(start) / static_cast<double>(count_);
    first_.close();
    all_passed();
    occupied = bench::occupied_bytes();
    const auto woken = clock_type::now();
    second_.close();
    all_passed();
    wake_ns = nanoseconds_since(woken) / static_cast<double>(count_);
    for (auto& f : all) f.join();
    return wakes_.load();
  }

 private:
  void live() {
    char none = 0;
    pass();
    first_.pop(none);
    wakes_.fetch_add(1);
    pass();
    second_.pop(none);
    wakes_.fetch_add(1);
    pass();
  }
  void pass() {
    if (countdown_.fetch_sub(1) == 1) passed_.push(0);
  }
  void all_passed() {
    std::int64_t none = 0;
    passed_.pop(none);
    countdown_.store(count_);
  }

  const std::int64_t count_;
  std::atomic<std::int64_t> countdown_, wakes_{0};
  fibers::unbuffered_channel<char> first_, second_;
  numbers passed_{2};
};

void idle(const request& r) {
  bench::warm_memory(r.n * 6144);
  bench::on_fibers(r.workers, [&] {
    const std::int64_t before = bench::occupied_bytes();
    idle_round fresh(r.n), pooled(r.n);
    std::int64_t wakes = fresh.run();
    wakes += pooled.run();
    bench::require_sum(r, "wake-ups", wakes, 4 * r.n);
    bench::report(r, "memory", static_cast<double>(fresh.occupied - before) / static_cast<double>(r.n), "B");
    bench::report(r, "create", fresh.spawn_ns, "ns");
    bench::report(r, "create_pooled", pooled.spawn_ns, "ns");
    bench::report(r, "wake_end", fresh.wake_ns, "ns");
    bench::report(r, "mappings", static_cast<double>(bench::mappings()), "maps");
  });
}

// Jobs of 10 us for a fiber per worker.
void pool(const request& r) {
  const std::int64_t steps = bench::steps_that_last(std::chrono::microseconds(10));
  const auto offload = [&](std::int64_t n) {
    numbers jobs(128), results(128);
    std::vector<fibers::fiber> all;
    for (int w = 0; w < r.workers; ++w)
      all.emplace_back([&] {
        for (std::int64_t i; jobs.pop(i) == channel_op_status::success;) {
          if (bench::busy_work(steps, static_cast<std::uint64_t>(i)) == 0) i = -1;
          results.push(i);
        }
      });
    all.emplace_back([&] {
      for (std::int64_t i = 0; i < n; ++i) jobs.push(i);
      jobs.close();
    });
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t v = 0;
      results.pop(v);
      sum += v;
    }
    for (auto& f : all) f.join();
    bench::require_sum(r, "the sum of the results", sum, bench::sum_below(n));
  };
  bench::on_fibers(r.workers, [&] {
    const double took = bench::timed(r.n, offload);
    bench::report(r, "share", static_cast<double>(r.n) * 10e3 / r.workers / took, "x");
  });
}

const bench::workload registered[] = {
    {"spawn", spawn},   {"skynet", skynet}, {"ring", ring}, {"timers", timers},
    {"idle100k", idle}, {"idle1m", idle},   {"pool", pool},
};

}  // namespace
