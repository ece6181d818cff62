// timers: N actors sleep 0 to 1000 ms; how late they wake, and the CPU time of it all, spawning included.
#include <cstddef>

#include "bench/harness/sleepers.h"
#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

void run(const bench::request& r) {
  std::vector<std::chrono::nanoseconds> late(static_cast<std::size_t>(r.n), std::chrono::nanoseconds(-1));
  weir::run({.workers = r.workers}, [&] {
    const double before = bench::cpu_seconds();
    weir::with_scope([&](weir::scope& s) {
      for (std::int64_t i = 0; i < r.n; ++i)
        s.spawn([i, slot = &late[static_cast<std::size_t>(i)]] {
          const auto until = std::chrono::steady_clock::now() + bench::sleep_of(i);
          weir::this_actor::sleep(until);
          *slot = std::chrono::steady_clock::now() - until;
        });
    });
    bench::report_sleepers(r, std::move(late), before);
  });
}

const bench::workload registered("timers", run);

}  // namespace
