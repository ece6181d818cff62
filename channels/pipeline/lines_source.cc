#include "weir/channels/pipeline/lines_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "weir/channels/on_fd.h"
#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/this_actor.h"

namespace weir::internal {
namespace {

// The descriptor, or -errno. Nonblocking: else a FIFO without a writer would keep the thread, and no cancel would reach
// it.
int open_to_read(const char* path) noexcept {
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY;
  int fd = open(path, flags | O_NONBLOCK);
  if (fd < 0 && errno == EWOULDBLOCK) fd = open(path, flags);  // a file on which another program has a lease
  return fd >= 0 ? fd : -errno;
}

// Out of line, so that the place of errno is asked for anew: the caller may go on on another thread.
[[gnu::noinline]] std::ptrdiff_t read_now(int fd, char* to, std::size_t most) noexcept {
  ssize_t got;
  do got = ::read(fd, to, most);
  while (got < 0 && errno == EINTR);
  return got >= 0 ? got : -errno;
}

}  // namespace

line_reader::line_reader(const std::string& path, source_stop& stop, stage_meter& m)
    : path_(path), stop_(stop), meter_(m), fd_(blocking([&] { return open_to_read(path.c_str()); })) {
  if (fd_ < 0) throw std::system_error(-fd_, std::generic_category(), "lines: open " + path);
  struct stat about {};
  fstat(fd_, &about);
  terminal_ = isatty(fd_);
  waits_first_ = S_ISFIFO(about.st_mode);
  slow_ = !terminal_ && !S_ISFIFO(about.st_mode) && !S_ISSOCK(about.st_mode);
  keeps_ = slow_ && !S_ISCHR(about.st_mode);
  if (!keeps_) return;
  fcntl(fd_, F_SETFL, 0);  // some files of the kernel's heed O_NONBLOCK, and could not be waited for
  if (S_ISREG(about.st_mode)) m.of_bytes.set(about.st_size);
}
line_reader::~line_reader() { close(fd_); }

// Until there is something, or `stop` is asked for: false.
bool line_reader::wait() {
  return select(on_fd(fd_, fd_event::readable, [] { return true; }), on_set(stop_.when_asked(), [] { return false; }));
}

// How much has come; 0 at the end, and when it has stopped.
std::ptrdiff_t line_reader::fetch(char* to, std::size_t most) {
  const meter_wait::span starved(meter_.starved);
  // Before its first writer a FIFO that was opened without waiting reads as if it had ended; but it is not readable
  // before that one has written, or gone.
  bool come = !std::exchange(waits_first_, false) || wait();
  while (come) {
    if (!slow_) this_actor::maybe_yield();
    const std::ptrdiff_t got = slow_ ? blocking([&] { return read_now(fd_, to, most); }) : read_now(fd_, to, most);
    if (got >= 0) return got;
    if (got == -EIO && terminal_) return 0;
    if (got != -EAGAIN)
      throw std::system_error(static_cast<int>(-got), std::generic_category(), "lines: read " + path_);
    come = wait();
  }
  stopped_ = true;
  return 0;
}

bool line_reader::read(std::vector<std::string>& lines) {
  const std::size_t block = keeps_ ? 256 * 1024 : 64 * 1024;  // a pipe has room for 64 KiB, usually
  const std::size_t had = rest_.size();
  rest_.resize(had + block);
  const auto got = static_cast<std::size_t>(fetch(rest_.data() + had, block));
  rest_.resize(had + got);
  meter_.bytes.add(static_cast<std::int64_t>(got));
  std::size_t start = 0;
  for (std::size_t end; (end = rest_.find('\n', std::max(start, had))) != std::string::npos; start = end + 1)
    lines.push_back(rest_.substr(start, end - start));
  rest_.erase(0, start);
  if (got > 0) return true;
  // What a line has begun with when it is stopped is no line.
  if (!stopped_ && !rest_.empty()) lines.push_back(std::move(rest_));
  return false;
}

}  // namespace weir::internal
