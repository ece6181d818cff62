// moodycamel: one thread enqueues and dequeues an item, without tokens. N: pairs.
#include <concurrentqueue/concurrentqueue.h>

#include "bench/harness/workload.h"

namespace {

void run(const bench::request& r) {
  moodycamel::ConcurrentQueue<std::int64_t> queue;
  std::int64_t sum = 0;
  bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) {
                       sum = 0;
                       for (std::int64_t i = 0; i < n; ++i) {
                         queue.enqueue(i);
                         std::int64_t item = 0;
                         if (queue.try_dequeue(item)) sum += item;
                       }
                     }));
  bench::require_sum(r, "the sum of the items", sum, bench::sum_below(r.n));
}

const bench::workload registered("moodycamel", run);

}  // namespace
