// The parent's end of a pipe to or from a child process, as a stream.
//
// Thread-safety: as net/stream.h.
#pragma once

#include <string>

#include "weir/net/internal/owned_fd.h"
#include "weir/net/stream.h"

namespace weir::net::internal {

// `name`: for errors and dumps. REQUIRES: the descriptor is non-blocking. Throws std::bad_alloc.
stream child_pipe(owned_fd end, std::string name);

}  // namespace weir::net::internal
