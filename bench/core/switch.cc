// switch: two actors yield to each other. N: yields of both together.
#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

void yields(std::int64_t n, const bench::request& r) {
  std::int64_t done[2] = {};
  weir::with_scope([&](weir::scope& s) {
    for (int i = 0; i < 2; ++i)
      s.spawn([&, i] {
        std::int64_t mine = 0;
        for (std::int64_t k = i; k < n; k += 2, ++mine) weir::this_actor::yield();
        done[i] = mine;
      });
  });
  bench::require_sum(r, "yields", done[0] + done[1], n);
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) { yields(n, r); })); });
}

const bench::workload registered("switch", run);

}  // namespace
