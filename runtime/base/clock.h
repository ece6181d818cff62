// The one clock. Everything that asks for the time asks here, so that a simulator can answer instead.
#pragma once

#include <chrono>

namespace weir::internal {

using clock_type = std::chrono::steady_clock;
using time_point = clock_type::time_point;

inline time_point now() noexcept { return clock_type::now(); }

}  // namespace weir::internal
