// Opens a file that never keeps a thread waiting for somebody else.
//
// Thread-safety: all of it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "weir/net/files/internal/open_file.h"
#include "weir/net/files/open_mode.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net::internal {

struct opened {
  int fd = -1;
  int error = 0;  // an errno, if there is no descriptor
  bool regular = false;
  const char* instead = nullptr;  // why such a thing is refused, if it is
};
// On the calling thread. `flags`: open(2)'s; close-on-exec is added.
opened open_now(const char* path, int flags, unsigned permissions) noexcept;

// On a thread of the pool. Throws net::error.
std::unique_ptr<open_file> open_regular(const std::filesystem::path& path, open_mode mode, deadline limit);

}  // namespace weir::net::internal
