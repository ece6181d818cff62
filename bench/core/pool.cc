// pool: 256 actors for each worker take jobs of 10 us from a channel, offload them, and send the results over another.
// N: jobs. As many threads in the pool as workers. The share of what those threads could do if nothing else cost
// anything.
#include <chrono>
#include <cstdint>

#include "bench/harness/busy_work.h"
#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

constexpr int actors_per_worker = 256;

void offload_all(std::int64_t n, std::int64_t steps, const bench::request& r) {
  auto [jobs, inbox] = weir::channel<std::int64_t>(128);
  auto [done, results] = weir::channel<std::int64_t>(128);
  std::int64_t sum = 0;
  weir::with_scope([&, tx = std::move(jobs), rx = std::move(inbox), out = std::move(done)](weir::scope& s) mutable {
    s.spawn("jobs", [n, tx = std::move(tx)] {
      for (std::int64_t i = 0; i < n; ++i) tx.send(i);
    });
    for (int a = 0; a < actors_per_worker * r.workers; ++a)
      s.spawn("offload", [steps, rx, out] {
        for (std::int64_t i : rx)
          out.send(weir::offload([i, steps] {
            return bench::busy_work(steps, static_cast<std::uint64_t>(i)) == 0 ? std::int64_t{-1} : i;
          }));
      });
    rx.reset(), out.reset();
    for (std::int64_t v : results) sum += v;
  });
  bench::require_sum(r, "the sum of the results", sum, bench::sum_below(n));
}

void run(const bench::request& r) {
  const std::int64_t steps = bench::steps_that_last(std::chrono::microseconds(10));
  weir::run({.workers = r.workers, .pool_threads = r.workers}, [&] {
    const double took = bench::timed(r.n, [&](std::int64_t n) { offload_all(n, steps, r); });
    bench::report(r, "share", static_cast<double>(r.n) * 10e3 / r.workers / took, "x");
  });
}

const bench::workload registered("pool", run);

}  // namespace
