#include "weir/runtime/internal/advice.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace weir::internal {
namespace {

// Kernel 6.15 and later take this instead of a descriptor, and mean the calling process: unlike a descriptor it is
// right in a forked child too.
constexpr int self = -10000;  // PIDFD_SELF

#ifndef SYS_process_madvise
constexpr long SYS_process_madvise = 440;
#endif

// Written and read by all, relaxed: a stale value costs one system call that fails.
std::atomic<bool> has_batches{true};

std::size_t advise_one_by_one(std::span<const iovec> ranges, int advice) noexcept {
  std::size_t done = 0;
  while (done < ranges.size() && madvise(ranges[done].iov_base, ranges[done].iov_len, advice) == 0) ++done;
  return done;
}

}  // namespace

std::size_t advise(std::span<const iovec> ranges, int advice) noexcept {
  std::size_t done = 0;
  if (ranges.size() > 1 && has_batches.load(std::memory_order_relaxed)) {
    const long bytes = syscall(SYS_process_madvise, self, ranges.data(), ranges.size(), advice, 0);
    // An old kernel, or a sandbox that allows no such call. Another error is about the ranges, and comes again below.
    if (bytes < 0 && (errno == ENOSYS || errno == EBADF || errno == EPERM))
      has_batches.store(false, std::memory_order_relaxed);
    // After a part it may have stopped inside a range: that one is advised again.
    for (std::size_t left = bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
         done < ranges.size() && left >= ranges[done].iov_len; ++done)
      left -= ranges[done].iov_len;
  }
  return done + advise_one_by_one(ranges.subspan(done), advice);
}

}  // namespace weir::internal
