// pingpong: two rendezvous channels, there and back. pingpong_cross: its two actors pinned to different workers. N:
// round trips.
#include <stdexcept>

#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

void round_trips(std::int64_t n, const bench::request& r, weir::spawn_options ping_on, weir::spawn_options pong_on) {
  std::int64_t sum = 0;
  weir::with_scope([&](weir::scope& s) {
    auto [there, ping] = weir::channel<std::int64_t>(0);
    auto [back, pong] = weir::channel<std::int64_t>(0);
    s.spawn(
        "pong",
        [in = std::move(ping), out = std::move(back)] {
          for (std::int64_t v : in) out.send(v + 1);
        },
        pong_on);
    s.spawn(
        "ping",
        [&sum, n, out = std::move(there), in = std::move(pong)] {
          std::int64_t mine = 0;
          for (std::int64_t i = 0; i < n; ++i) {
            out.send(i);
            mine += *in.recv();
          }
          sum = mine;
        },
        ping_on);
  });
  bench::require_sum(r, "the sum of what came back", sum, bench::sum_below(n) + n);
}

void anywhere(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) { round_trips(n, r, {}, {}); })); });
}

void across(const bench::request& r) {
  if (r.workers < 2) throw std::runtime_error("needs two workers");
  weir::run({.workers = r.workers}, [&] {
    bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) { round_trips(n, r, {.pinned = 0}, {.pinned = 1}); }));
  });
}

const bench::workload registered("pingpong", anywhere), registered_cross("pingpong_cross", across);

}  // namespace
