// pipeline_composed: what pipeline.cc does with actors and channels, composed. N: items.
#include <ranges>

#include "bench/harness/workload.h"
#include "weir/channels/pipeline/pipeline.h"
#include "weir/weir.h"

namespace {

void compose(std::int64_t n, const bench::request& r) {
  const auto add_one = [](std::int64_t i) { return i + 1; };
  const auto sum =
      weir::from(std::views::iota(std::int64_t{0}, n)) | weir::map(add_one) | weir::map(add_one) | weir::map(add_one) |
      weir::reduce(std::int64_t{0}, [](std::int64_t s, std::int64_t i) { return s + i; }) | weir::execute();
  bench::require_sum(r, "the sum of what came out", sum.value, bench::sum_below(n) + 3 * n);
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_rate(r, bench::timed(r.n, [&](std::int64_t n) { compose(n, r); })); });
}

const bench::workload registered("pipeline_composed", run);

}  // namespace
