// skynet: a 10-way tree of actors; each leaf sends its number up, each node the sum of its ten children. N: leaves, a
// power of ten.
#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

void node(const weir::sender<std::int64_t>& up, std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) {
    up.send(first);
    return;
  }
  std::int64_t sum = 0;
  weir::with_scope([&](weir::scope& s) {
    auto [tx, rx] = weir::channel<std::int64_t>(16);
    const std::int64_t share = leaves / 10;
    for (int i = 0; i < 10; ++i) s.spawn([tx = tx, first = first + i * share, share] { node(tx, first, share); });
    for (int i = 0; i < 10; ++i) sum += *rx.recv();
  });
  up.send(sum);
}

void tree(std::int64_t n, const bench::request& r) {
  std::int64_t leaves = 1;
  while (leaves * 10 <= n) leaves *= 10;
  auto [tx, rx] = weir::channel<std::int64_t>(1);
  node(tx, 0, leaves);
  bench::require_sum(r, "the sum of the leaves", *rx.recv(), bench::sum_below(leaves));
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report(r, "time", bench::timed(r.n, [&](std::int64_t n) { tree(n, r); }) * 1e-6, "ms"); });
}

const bench::workload registered("skynet", run);

}  // namespace
