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
// of runtime/blocking.h, so a slow disk keeps no worker; and so do those of a standard stream that cannot be opened
// anew (below), once it is ready. A deadline, a cancel and a close end the wait for that; a deadline or a cancel ends a
// call in line for a thread; one that has begun is waited for. If the deadline was over before, the call does what the
// kernel says it can without a wait (of a file: read what is in memory), or is `timeout`.
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
