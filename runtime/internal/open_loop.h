// Opens a libuv loop, or throws.
#pragma once

#include <uv.h>

namespace weir::internal {

// Throws std::system_error if there are not enough descriptors. Not for two threads with one loop.
void open_loop(uv_loop_t& loop);

}  // namespace weir::internal
