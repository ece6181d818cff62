// A descriptor that means a process: no other process ever has it, whatever becomes of the number. By syscall(2), as
// glibc 2.36 declares its functions for C only.
//
// Thread-safety: all of it.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace weir::net::internal {

// Readable once the process has ended; close-on-exec. -1, errno.
inline int open_pidfd(pid_t of) noexcept { return static_cast<int>(syscall(SYS_pidfd_open, of, 0)); }
// 0; -1, errno.
inline int signal_pidfd(int pidfd, int signal) noexcept {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

}  // namespace weir::net::internal
