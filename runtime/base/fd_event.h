// What one waits for at a descriptor of a foreign library: wait_fd, on_fd.
#pragma once

#include <cstdint>

namespace weir {

// The end of the other side, or an error, counts as each of them: the library's next call tells.
enum class fd_event : std::uint8_t { readable = 1, writable = 2, either = 3 };

}  // namespace weir
