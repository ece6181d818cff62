// weir::pool_stats: what a pool of threads does and has done.
//
// Thread-safety: a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir {

struct pool_stats {
  int threads = 0;         // that live now
  int busy = 0;            // of them, how many run a job
  std::size_t queued = 0;  // jobs in line: not begun
  std::uint64_t done = 0;  // jobs that were run to their end, failed ones included
  // Time that all jobs begun so far have spent in line, together.
  std::chrono::nanoseconds waited{};
};

}  // namespace weir
