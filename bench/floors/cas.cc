// cas: a compare-and-swap that succeeds, on a line that nobody else uses. N: swaps.
#include <atomic>

#include "bench/harness/workload.h"

namespace {

void run(const bench::request& r) {
  std::atomic<std::int64_t> word{0};
  bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) {
                       word.store(0);
                       for (std::int64_t i = 0; i < n; ++i) {
                         std::int64_t expected = i;
                         word.compare_exchange_strong(expected, i + 1);
                       }
                     }));
  bench::require_sum(r, "the count", word.load(), r.n);
}

const bench::workload registered("cas", run);

}  // namespace
