// Sleeping and waking OS threads on a 32-bit word.
#pragma once

#include <atomic>
#include <cstdint>

#include "weir/runtime/base/clock.h"

namespace weir::internal {

// Sleeps while *word == expected, at most until `limit` (time_point::max(): for ever). May return early without a
// cause.
void futex_wait(const void* word, std::uint32_t expected, time_point limit = time_point::max()) noexcept;
// Uses the address only: the word may be gone already, and then nobody is woken, or somebody spuriously.
void futex_wake_all(const void* word) noexcept;

}  // namespace weir::internal
