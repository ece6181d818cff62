#include "weir/runtime/internal/quiet_write.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace weir::internal {

ssize_t quiet_write(int fd, std::string_view text) noexcept {
  // A pipe has no MSG_NOSIGNAL. The signal of a write goes to the thread that wrote: it is held back from that thread,
  // and taken away.
  sigset_t broken_pipe, pending, before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  sigpending(&pending);
  const bool somebody_elses = sigismember(&pending, SIGPIPE) == 1;
  const ssize_t n = write(fd, text.data(), text.size());
  const int error = errno;
  if (n < 0 && error == EPIPE && !somebody_elses) {
    const timespec at_once{};
    sigtimedwait(&broken_pipe, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

}  // namespace weir::internal
