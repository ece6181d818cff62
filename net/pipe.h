// Streams over descriptors that are no sockets: pipes, terminals, files, and what the process was started with.
//   make_pipe()                          a pipe: what is written to one end is read from the other
//   standard_input(), standard_output(), standard_error()
//   adopt(fd, name)                      any descriptor
//
// Thread-safety: of free functions; streams as stream.h.
//
// A stream of one direction fails in the other with net::error (EBADF). shutdown() of a pipe's writing end closes it. A
// write to a pipe that nobody reads is `reset` with EPIPE, and no SIGPIPE reaches the program.
//
// Regular files cannot be waited for, as the kernel counts them as ready always: their reads and writes run on the pool
// of runtime/blocking.h, so a slow disk keeps no worker; a cancel waits for a call that has begun.
#pragma once

#include <string>

#include "weir/net/stream.h"

namespace weir::net {

struct pipe_ends {
  stream reader, writer;
};
// Does not park. Throws net::error.
pipe_ends make_pipe();

// What the process was given. They may be pipes, terminals, files or sockets, which others have too: so they are opened
// anew where that can be done (pipes, terminals), and never made non-blocking for others. Each call gives a new handle
// to the same stream, which a close() ends for the whole program; descriptors 0, 1 and 2 stay as they are. Throw
// net::error.
stream standard_input();
stream standard_output();
stream standard_error();

// A stream over `fd`, which it takes over, also if it throws. A pipe or terminal is made non-blocking, for all who
// share it. `name`: for errors and dumps. Throws net::error, std::bad_alloc.
stream adopt(int fd, std::string name);

}  // namespace weir::net
