#include "weir/net/internal/pipe_stream.h"

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "weir/net/error.h"
#include "weir/net/files/internal/file_call.h"
#include "weir/net/internal/as_net_error.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {

using weir::internal::call_end;
using weir::internal::descriptor;
using weir::internal::wait_result;

ssize_t write_quietly(int fd, const iovec* from, int count, int flags) noexcept {
  // There is no MSG_NOSIGNAL for pipes. The signal of a write goes to the thread that wrote: it is kept back here, and
  // taken, unless one was there before, which is somebody else's.
  sigset_t broken, pending, old;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  const bool was_there = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &broken, &old);
  const ssize_t n = pwritev2(fd, from, count, -1, flags);
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

file_stream::file_stream(owned_fd fd, std::string name, sort s)
    : sort_(s), mode_(fcntl(fd.get(), F_GETFL) & O_ACCMODE), name_(std::move(name)) {
  fd_ = descriptor(fd.get());
  fd.release();
}

bool file_stream::ready(direction d) {
  const weir::internal::wait_for why(d == direction::read ? "read" : "write", [this] { return name_; });
  return !waits(d) || as_net_error(why, [&] { return fd_.look(d); });
}

template <class Call>
io_result file_stream::transfer(direction way, const char* verb, deadline limit, Call call) {
  const weir::internal::wait_for why(verb, [this] { return name_; });
  descriptor::operation op(fd_, way, verb, {});
  while (op) {
    const bool is_ready = ready(way);
    if (!fd_.is_open()) break;  // which counts as ready
    if (!is_ready) {
      switch (as_net_error(why, [&] { return op.wait(why, limit); })) {
        case wait_result::ready:
          continue;
        case wait_result::timeout:
          return {io_status::timeout, 0, 0};
        case wait_result::cancelled:
          weir::internal::meet_cancel(verb);
          return {io_status::closed, 0, 0};
        case wait_result::closed:
          return {io_status::closed, 0, 0};
      }
    }
    ssize_t n = -1;
    int code = 0;
    // A call whose time is over tries too, but not in line for a thread: it gets what the kernel says needs no wait.
    const bool is_late = sort_ != sort::instant && limit.expired();
    const auto once = [&](const call_limit&) noexcept {
      n = call(op.fd(), is_late ? RWF_NOWAIT : 0);
      code = errno;
    };
    if (is_late || sort_ == sort::instant) {
      once({nullptr, limit});
    } else {
      switch (as_net_error(why, [&] { return run_on_pool(verb, limit, once); })) {
        case call_end::ran:
          break;
        case call_end::timeout:
          return {io_status::timeout, 0, 0};
        case call_end::cancelled:
          return {io_status::closed, 0, 0};
      }
    }
    if (n > 0) return {io_status::ok, 0, static_cast<std::size_t>(n)};
    if (n == 0) return {io_status::end, 0, 0};
    if (code == EPIPE) return {io_status::reset, EPIPE, 0};
    if (is_late && (code == EAGAIN || code == EOPNOTSUPP)) return {io_status::timeout, 0, 0};
    if (code != EINTR) throw error(code, verb, name_);
  }
  return {io_status::closed, 0, 0};
}

io_result file_stream::read(const iovec* into, int count, deadline limit) {
  return transfer(direction::read, "read", limit,
                  [=](int fd, int flags) { return preadv2(fd, into, count, -1, flags); });
}

io_result file_stream::write(const iovec* from, int count, deadline limit) {
  if (finished_.load(std::memory_order_relaxed)) return {io_status::closed, 0, 0};
  std::array<iovec, 16> some;
  if (sort_ == sort::watched) {
    // As much as a pipe that is ready takes without a wait (pipe(7)).
    std::size_t room = PIPE_BUF;
    count = std::min(count, static_cast<int>(some.size()));
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      some[i] = {from[i].iov_base, std::min(from[i].iov_len, room)};
      room -= some[i].iov_len;
    }
    from = some.data();
  }
  return transfer(direction::write, "write", limit,
                  [=](int fd, int flags) { return write_quietly(fd, from, count, flags); });
}

io_result file_stream::finish(deadline) {
  finished_.store(true, std::memory_order_relaxed);  // by the only writer
  return {};
}

}  // namespace weir::net::internal
