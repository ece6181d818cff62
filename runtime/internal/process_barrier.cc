#include "weir/runtime/internal/process_barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "weir/runtime/internal/check.h"

namespace weir::internal {

bool register_process_barrier() noexcept {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void barrier_in_all_threads() noexcept {
  const auto result = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  WEIR_CHECK(result == 0, "membarrier: errno " + std::to_string(errno));
}

}  // namespace weir::internal
