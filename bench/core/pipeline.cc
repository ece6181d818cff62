// pipeline: a sender, three actors that add one, and a sum, joined by channels of 128. N: items.
#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

constexpr int stages = 3;

void pass(std::int64_t n, const bench::request& r) {
  std::int64_t sum = 0;
  weir::with_scope([&](weir::scope& s) {
    auto [source, from] = weir::channel<std::int64_t>(128);
    s.spawn("sender", [n, out = std::move(source)] {
      for (std::int64_t i = 0; i < n; ++i) out.send(i);
    });
    for (int k = 0; k < stages; ++k) {
      auto [tx, rx] = weir::channel<std::int64_t>(128);
      s.spawn("stage", [in = std::move(from), out = std::move(tx)] {
        for (std::int64_t v : in) out.send(v + 1);
      });
      from = std::move(rx);
    }
    s.spawn("sum", [&sum, in = std::move(from)] {
      std::int64_t mine = 0;
      for (std::int64_t v : in) mine += v;
      sum = mine;
    });
  });
  bench::require_sum(r, "the sum of what came through", sum, bench::sum_below(n) + stages * n);
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_rate(r, bench::timed(r.n, [&](std::int64_t n) { pass(n, r); })); });
}

const bench::workload registered("pipeline", run);

}  // namespace
