#include "weir/runtime/internal/random.h"

#include <atomic>
#include <cstdlib>

#include "weir/runtime/base/clock.h"

namespace weir::internal {
namespace {

// WEIR_SEED, if the environment sets it, so that a failed test can be run again with the same draws; else the time.
// Threads draw differently, in the order in which they begin.
std::uint64_t first_seed() noexcept {
  static std::atomic<std::uint64_t> threads{0};
  const char* const text = std::getenv("WEIR_SEED");
  const std::uint64_t base =
      text ? std::strtoull(text, nullptr, 0) : static_cast<std::uint64_t>(now().time_since_epoch().count());
  return (base + 1) * 0x9E3779B97F4A7C15ULL + threads.fetch_add(1, std::memory_order_relaxed) * 0xD1B54A32D192ED03ULL;
}

}  // namespace

// Never inlined: the caller may be on another thread after its next park.
__attribute__((noinline)) random_source& thread_random() noexcept {
  asm volatile("" ::: "memory");
  thread_local random_source mine(first_seed());
  return mine;
}

}  // namespace weir::internal
