#include "weir/channels/pipeline/offload_map.h"

namespace weir::internal {

int threads_of(cpu_pool* pool) noexcept {
  if (pool != nullptr) return pool->threads();
  const job_pool* const jobs = cpu_pool_here();
  return jobs != nullptr ? jobs->most_threads() : 1;
}

}  // namespace weir::internal
