#include "weir/net/process/internal/child_pipe.h"

#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

#include "weir/net/internal/fd_stream.h"

namespace weir::net::internal {
namespace {

// A write to a pipe that nobody reads raises SIGPIPE, for which a pipe has no switch. What the program does about that
// signal elsewhere is its own affair: so it is held back from this thread during the call, and taken away.
class no_sigpipe {
 public:
  no_sigpipe() noexcept {
    sigemptyset(&set_);
    sigaddset(&set_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  no_sigpipe(const no_sigpipe&) = delete;
  ~no_sigpipe() {
    const int error = errno;
    const timespec at_once{};
    if (raised_ && !was_pending_) sigtimedwait(&set_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }
  void raised() noexcept { raised_ = true; }

 private:
  sigset_t set_, before_;
  bool was_pending_ = false, raised_ = false;
};

class pipe_end final : public fd_stream {
 public:
  pipe_end(weir::internal::descriptor fd, std::string name) noexcept
      : fd_stream(std::move(fd)), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  // A pipe has one half.
  io_result finish(deadline) override {
    close();
    return {};
  }

 private:
  ssize_t read_now(int fd, const iovec* into, int count) noexcept override { return readv(fd, into, count); }
  ssize_t write_now(int fd, const iovec* from, int count) noexcept override {
    no_sigpipe quiet;
    const ssize_t n = writev(fd, from, count);
    if (n < 0 && errno == EPIPE) quiet.raised();
    return n;
  }

  const std::string name_;
};

}  // namespace

stream child_pipe(owned_fd end, std::string name) {
  weir::internal::descriptor watched(end.get(), weir::internal::descriptor::kind::bytes);
  end.release();
  return stream(new pipe_end(std::move(watched), std::move(name)));
}

}  // namespace weir::net::internal
