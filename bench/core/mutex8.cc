// mutex8: 8 actors, one mutex. N: locks of all together.
#include <mutex>

#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

constexpr int actors = 8;

void contend(std::int64_t n, const bench::request& r) {
  weir::mutex m;
  std::int64_t count = 0;  // guarded by m
  weir::with_scope([&](weir::scope& s) {
    for (int a = 0; a < actors; ++a)
      s.spawn("locker", [&, a] {
        for (std::int64_t i = a; i < n; i += actors) {
          const std::lock_guard guard(m);
          ++count;
        }
      });
  });
  bench::require_sum(r, "how often the mutex was locked", count, n);
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) { contend(n, r); })); });
}

const bench::workload registered("mutex8", run);

}  // namespace
