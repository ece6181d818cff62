#include "weir/runtime/internal/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {
namespace {

// ThreadSanitizer keeps a signal back until its thread leaves a call that it knows, which futex is not. So a wait has a
// limit there, of a century: without one the kernel would go on with it by itself after the signal.
#ifdef WEIR_TSAN
constexpr bool keeps_signals_back = true;
#else
constexpr bool keeps_signals_back = false;
#endif

}  // namespace

void futex_wait(const void* word, std::uint32_t expected, time_point limit) noexcept {
  // FUTEX_WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC, which is steady_clock's.
  timespec at{};
  const bool for_ever = limit == time_point::max();
  if (!for_ever) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(limit.time_since_epoch()).count();
    at.tv_sec = ns / 1'000'000'000;
    at.tv_nsec = ns % 1'000'000'000;
  } else if (keeps_signals_back) {
    at.tv_sec = time_t{1} << 32;
  }
  const long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
                              for_ever && !keeps_signals_back ? nullptr : &at, nullptr, FUTEX_BITSET_MATCH_ANY);
  if (keeps_signals_back && result != 0 && errno == EINTR) nap();  // a call that it knows
}

void futex_wake_all(const void* word) noexcept {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void nap() noexcept {
  const timespec a_while{0, 50'000};
  nanosleep(&a_while, nullptr);
}

}  // namespace weir::internal
