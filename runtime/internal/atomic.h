// The one place where atomics and the spin hint come from, so that the interleaving explorer can replace both.
//
// A build that sets WEIR_EXPLORE names a header which defines explorer::atomic<T> and explorer::pause(): the claim, the
// wait word, the lock, the wait lists and the channels are then explored as they are, not as a copy.
#pragma once

#ifdef WEIR_EXPLORE
#include WEIR_EXPLORE

#include <atomic>

namespace weir::internal {
template <class T>
using atomic = explorer::atomic<T>;
inline void spin_pause() { explorer::pause(); }
inline constexpr bool explored = true;  // small bounds, so that edges are reached
}  // namespace weir::internal

#else
#include <atomic>

namespace weir::internal {
template <class T>
using atomic = std::atomic<T>;
inline constexpr bool explored = false;

inline void spin_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
}  // namespace weir::internal
#endif
