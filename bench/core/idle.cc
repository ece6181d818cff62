// idle100k, idle1m: parked actors: bytes each, time to create (fresh, and from the pool) and to wake and end. N:
// actors. idle100k_64KiB: on stacks of that class.
#include "bench/harness/workload.h"
#include "bench/idle/parked.h"

namespace {

void run_with(const bench::request& r, weir::spawn_options how) {
  const bench::parked_figures f = bench::park(r.workers, r.n, how);
  bench::require_sum(r, "wake-ups", f.wakes, 4 * r.n);
  bench::report(r, "memory", f.bytes_each, "B");
  bench::report(r, "create", f.fresh_ns, "ns");
  bench::report(r, "create_pooled", f.pooled_ns, "ns");
  bench::report(r, "wake_end", f.wake_ns, "ns");
  bench::report(r, "mappings", static_cast<double>(f.mappings), "maps");
}

void run(const bench::request& r) { run_with(r, {}); }
void run_64KiB(const bench::request& r) { run_with(r, {.stack = 64 << 10}); }

const bench::workload registered[] = {{"idle100k", run}, {"idle1m", run}, {"idle100k_64KiB", run_64KiB}};

}  // namespace
