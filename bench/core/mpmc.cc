// mpmc: 8 senders and 8 receivers on one channel of 128. N: messages of all together.
#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

constexpr int peers = 8;

void exchange(std::int64_t n, const bench::request& r) {
  std::int64_t sums[peers] = {};
  weir::with_scope([&](weir::scope& s) {
    auto [tx, rx] = weir::channel<std::int64_t>(128);
    for (int p = 0; p < peers; ++p) {
      s.spawn("sender", [n, p, tx = tx] {
        for (std::int64_t i = p; i < n; i += peers) tx.send(i);
      });
      s.spawn("receiver", [&sums, p, rx = rx] {
        std::int64_t mine = 0;
        for (std::int64_t v : rx) mine += v;
        sums[p] = mine;
      });
    }
  });
  std::int64_t sum = 0;
  for (std::int64_t s : sums) sum += s;
  bench::require_sum(r, "the sum of what was received", sum, bench::sum_below(n));
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_rate(r, bench::timed(r.n, [&](std::int64_t n) { exchange(n, r); })); });
}

const bench::workload registered("mpmc", run);

}  // namespace
