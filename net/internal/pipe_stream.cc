#include "weir/net/internal/pipe_stream.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "weir/net/error.h"
#include "weir/runtime/blocking.h"

namespace weir::net::internal {

using weir::internal::descriptor;

ssize_t write_quietly(int fd, const iovec* from, int count) noexcept {
  // There is no MSG_NOSIGNAL for pipes. The signal of a write goes to the thread that wrote: it is kept back here, and
  // taken, unless one was there before, which is somebody else's.
  sigset_t broken, pending, old;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  const bool was_there = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &broken, &old);
  const ssize_t n = writev(fd, from, count);
  const int code = errno;
  if (n < 0 && code == EPIPE && !was_there) {
    const timespec at_once{0, 0};
    sigtimedwait(&broken, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  errno = code;
  return n;
}

ssize_t pipe_stream::read_now(int fd, const iovec* into, int count) noexcept {
  const ssize_t n = readv(fd, into, count);
  if (n < 0 && errno == EIO && isatty(fd)) return 0;  // its other side has hung up
  return n;
}

ssize_t pipe_stream::write_now(int fd, const iovec* from, int count) noexcept { return write_quietly(fd, from, count); }

io_result pipe_stream::finish(deadline) {
  if (is_finished()) return {};
  if (!fd().is_open()) return {io_status::closed, 0, 0};
  finished();
  if (only_written_) close_now();  // by a shutdown, which may come again
  return {};
}

file_stream::file_stream(owned_fd fd, std::string name, bool slow) : name_(std::move(name)), slow_(slow) {
  fd_ = descriptor(fd.get());
  fd.release();
}

template <class Call>
io_result file_stream::transfer(direction way, const char* verb, Call call) {
  descriptor::operation op(fd_, way, verb, {});
  if (!op) return {io_status::closed, 0, 0};
  for (;;) {
    struct {
      ssize_t n;
      int code;
    } done;
    const auto once = [&call, fd = op.fd()] {
      const ssize_t n = call(fd);
      return decltype(done){n, errno};
    };
    done = slow_ ? blocking(once) : once();
    if (done.n > 0) return {io_status::ok, 0, static_cast<std::size_t>(done.n)};
    if (done.n == 0) return {io_status::end, 0, 0};
    if (done.code == EPIPE) return {io_status::reset, EPIPE, 0};
    if (done.code != EINTR) throw error(done.code, verb, name_);
  }
}

io_result file_stream::read(const iovec* into, int count, deadline) {
  return transfer(direction::read, "read", [=](int fd) { return readv(fd, into, count); });
}

io_result file_stream::write(const iovec* from, int count, deadline) {
  if (finished_.load(std::memory_order_relaxed)) return {io_status::closed, 0, 0};
  return transfer(direction::write, "write", [=](int fd) { return write_quietly(fd, from, count); });
}

io_result file_stream::finish(deadline) {
  finished_.store(true, std::memory_order_relaxed);  // by the only writer
  return {};
}

}  // namespace weir::net::internal
