// write(2) to what may have nobody who reads it, without SIGPIPE: a library must not end its program.
//
// Thread-safety: all of it.
#pragma once

#include <sys/types.h>

#include <string_view>

namespace weir::internal {

// As write(2): EPIPE is an error like others. Whatever the program has said about the signal stays as it is, and so
// does one that was pending before. May wait, as write(2) does.
ssize_t quiet_write(int fd, std::string_view text) noexcept;

}  // namespace weir::internal
