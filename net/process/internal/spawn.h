// Starts a child process, on the calling thread.
//
// A program of weir's has many threads and, with a million actors, a large address space: fork() would copy its page
// tables and leave the child with locks that nobody opens. So posix_spawn(3), by which the child runs on the parent's
// memory until exec and does nothing but system calls, with all signals blocked; the parent's thread sleeps meanwhile,
// and learns of a failed exec.
//
// Thread-safety: all of it.
#pragma once

#include <sys/types.h>

#include <array>

#include "weir/net/internal/owned_fd.h"
#include "weir/net/process/process_spec.h"

namespace weir::net::internal {

struct spawned {
  pid_t pid = -1;
  owned_fd pidfd;                // readable once it has ended
  std::array<owned_fd, 3> ours;  // the parent's ends of pipes, non-blocking; none where there is no pipe
};

// The child has default dispositions for all signals, an empty signal mask, and none of this process's descriptors but
// the three. Throws net::error ("spawn PROGRAM: ...").
spawned spawn_child(const process_spec& spec);

}  // namespace weir::net::internal
