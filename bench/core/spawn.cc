// spawn: actors are spawned and joined in batches of 10 000. N: actors.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

void batches(std::int64_t n, const bench::request& r) {
  constexpr std::int64_t batch = 10'000;
  std::vector<std::int64_t> slots(batch);
  std::int64_t sum = 0;
  for (std::int64_t first = 0; first < n; first += batch) {
    const std::int64_t end = std::min(first + batch, n);
    weir::with_scope([&](weir::scope& s) {
      for (std::int64_t i = first; i < end; ++i)
        s.spawn([i, slot = &slots[static_cast<std::size_t>(i - first)]] { *slot = i; });
    });
    for (std::int64_t i = first; i < end; ++i) sum += slots[static_cast<std::size_t>(i - first)];
  }
  bench::require_sum(r, "the sum of what the actors wrote", sum, bench::sum_below(n));
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) { batches(n, r); })); });
}

const bench::workload registered("spawn", run);

}  // namespace
