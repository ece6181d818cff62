// cache_line: a cache line goes to another core and back, both threads spinning. N: round trips.
#include <atomic>
#include <thread>

#include "bench/floors/two_cores.h"
#include "bench/harness/workload.h"

namespace {

void run(const bench::request& r) {
  bench::stay_on_core(0);
  std::atomic<std::int64_t> line{0};
  bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) {
                       line.store(0);
                       // Odd: the other thread's turn. The release of one store pairs with the other's acquire load.
                       std::thread other([&] {
                         bench::stay_on_core(1);
                         for (std::int64_t i = 1; i < 2 * n; i += 2) {
                           while (line.load(std::memory_order_acquire) != i) {
                           }
                           line.store(i + 1, std::memory_order_release);
                         }
                       });
                       for (std::int64_t i = 0; i < 2 * n; i += 2) {
                         line.store(i + 1, std::memory_order_release);
                         while (line.load(std::memory_order_acquire) != i + 2) {
                         }
                       }
                       other.join();
                     }));
  bench::require_sum(r, "the count", line.load(), 2 * r.n);
}

const bench::workload registered("cache_line", run);

}  // namespace
