// Asks the kernel about a path, on the calling thread.
#pragma once

#include "weir/net/files/file_info.h"

namespace weir::net::internal {

// `from`: an open directory, or AT_FDCWD; `flags`: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. An errno; 0: `info` is filled
// in.
int ask_info(int from, const char* path, int flags, file_info& info) noexcept;

// From a mode of stat(2), from a d_type of readdir(3).
file_kind kind_of_mode(unsigned mode) noexcept;
file_kind kind_of_entry(unsigned char type) noexcept;

}  // namespace weir::net::internal
