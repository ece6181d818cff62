#include "weir/net/files/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/files/internal/file_call.h"
#include "weir/net/files/internal/open_file.h"
#include "weir/net/files/internal/open_regular.h"
#include "weir/runtime/this_actor.h"

namespace weir::net {
namespace {

using internal::call_limit;
using internal::file_use;
using internal::io_end;

constexpr std::size_t step = 1 << 20;         // bytes of one system call on the pool
constexpr std::size_t peek_step = 128 << 10;  // and of one on a worker: some 20 us
constexpr off_t at_position = -1;

// What the kernel has in memory is read at once; anything else is -1, and not an error yet.
ssize_t peek(const file_use& use, mutable_buffer into, off_t offset) noexcept {
  if (!use.file().may_peek()) return -1;
  iovec part{into.data(), std::min(into.size(), peek_step)};
  const ssize_t got = preadv2(use.fd(), &part, 1, offset, RWF_NOWAIT);
  if (got < 0 && errno != EAGAIN && errno != EINTR) use.file().no_peeking();
  return got;
}

// Calls transfer(done), which is one system call that moves some of `wanted` bytes, until all are moved, it moves none,
// or it fails.
template <class F>
io_end in_steps(const call_limit& limit, std::size_t wanted, F transfer) {
  io_end end;
  while (end.done < wanted && end.error == 0) {
    const ssize_t n = transfer(end.done);
    if (n > 0)
      end.done += static_cast<std::size_t>(n);
    else if (n == 0)
      break;
    else if (errno != EINTR)
      end.error = errno;
    if (end.done < wanted && end.error == 0 && limit.over()) {
      end.cut = true;
      break;
    }
  }
  return end;
}

io_result nothing(io_status why) noexcept { return {.status = why, .code = 0, .bytes = 0}; }

// What became of `wanted` bytes, of which `had` went before.
io_result outcome(const char* operation, const internal::open_file& of, const io_end& end, std::size_t had,
                  std::size_t wanted) {
  if (end.error != 0) throw error(end.error, operation, of.path());
  io_status status = io_status::ok;
  if (end.cut) {
    status = this_actor::cancel_requested() ? io_status::closed : io_status::timeout;
    this_actor::check_cancel();
  } else if (had + end.done < wanted) {
    status = io_status::end;
  }
  return {.status = status, .code = 0, .bytes = had + end.done};
}

enum class amount { some, all };

// Reads at `offset` or the position.
io_result read(internal::open_file* from, mutable_buffer into, off_t offset, amount wanted, deadline limit) {
  if (into.empty()) return {};
  const file_use use(from, file_use::or_closed);
  if (!use) return nothing(io_status::closed);
  this_actor::check_cancel();
  std::size_t had = 0;
  while (had < into.size()) {
    // Before the read: what has been read is never lost to a cancel.
    this_actor::maybe_yield();
    const ssize_t got = peek(use, into.from(had), offset == at_position ? offset : offset + static_cast<off_t>(had));
    if (got == 0) return {.status = io_status::end, .code = 0, .bytes = had};
    if (got < 0) break;
    had += static_cast<std::size_t>(got);
    if (wanted == amount::some) break;
  }
  if (had == into.size() || (had > 0 && wanted == amount::some))
    return {.status = io_status::ok, .code = 0, .bytes = had};
  const auto rest = into.from(had);
  const std::size_t least = wanted == amount::some ? 1 : rest.size();
  const io_end end = internal::file_io("read", limit, [&](const call_limit& l) {
    return in_steps(l, least, [&](std::size_t done) {
      const std::size_t size = std::min(rest.size() - done, step);
      return offset == at_position
                 ? ::read(use.fd(), rest.data() + done, size)
                 : ::pread(use.fd(), rest.data() + done, size, offset + static_cast<off_t>(had + done));
    });
  });
  return outcome("read", use.file(), end, had, had + least);
}

io_result write(internal::open_file* to, const_buffer from, off_t offset, deadline limit) {
  if (from.empty()) return {};
  const file_use use(to, file_use::or_closed);
  if (!use) return nothing(io_status::closed);
  const io_end end = internal::file_io("write", limit, [&](const call_limit& l) {
    return in_steps(l, from.size(), [&](std::size_t done) {
      const std::size_t size = std::min(from.size() - done, step);
      const ssize_t n = offset == at_position
                            ? ::write(use.fd(), from.data() + done, size)
                            : ::pwrite(use.fd(), from.data() + done, size, offset + static_cast<off_t>(done));
      if (n > 0) use.file().count_written(static_cast<std::uint64_t>(n));
      return n;
    });
  });
  return outcome("write", use.file(), end, 0, from.size());
}

off_t checked_offset(std::uint64_t offset, const char* operation, const internal::open_file* of) {
  if (const auto at = static_cast<off_t>(offset); at >= 0) return at;
  throw error(EOVERFLOW, operation, of != nullptr ? of->path() : "");
}

// One system call that says 0 or fails.
template <class F>
void call_once(const char* operation, internal::open_file* of, deadline limit, F call) {
  const file_use use(of, operation);
  internal::file_call(operation, use.path(), limit, [&](const call_limit&) {
    int result;
    do result = call(use.fd());
    while (result != 0 && errno == EINTR);
    if (result != 0) throw_errno(operation, use.path());
  });
}

}  // namespace

file::file() noexcept = default;
file::file(file&&) noexcept = default;
file& file::operator=(file&&) noexcept = default;
file::~file() = default;

file::file(const std::filesystem::path& path, open_mode mode, deadline limit)
    : file_(internal::open_regular(path, mode, limit)) {}

io_result file::read_some(mutable_buffer into, deadline limit) {
  return read(file_.get(), into, at_position, amount::some, limit);
}
io_result file::read_exactly(mutable_buffer into, deadline limit) {
  return read(file_.get(), into, at_position, amount::all, limit);
}
io_result file::read_at(std::uint64_t offset, mutable_buffer into, deadline limit) {
  return read(file_.get(), into, checked_offset(offset, "read", file_.get()), amount::all, limit);
}

io_result file::write_all(const_buffer from, deadline limit) { return write(file_.get(), from, at_position, limit); }
io_result file::write_at(std::uint64_t offset, const_buffer from, deadline limit) {
  if (file_ && file_->appends()) throw error(EINVAL, "write_at", file_->path());
  return write(file_.get(), from, checked_offset(offset, "write", file_.get()), limit);
}
std::uint64_t file::bytes_written() const noexcept { return file_ ? file_->written() : 0; }

std::size_t file::expect(const char* operation, io_result r) const {
  if (r) return r.bytes;
  const errc why = r.status == io_status::timeout ? errc::timeout
                   : r.status == io_status::end   ? errc::end
                                                  : errc::closed;
  throw error(make_error_code(why), operation, std::string(path()));
}

std::uint64_t file::size(deadline limit) {
  struct ::stat about {};
  call_once("stat", file_.get(), limit, [&](int fd) { return fstat(fd, &about); });
  return static_cast<std::uint64_t>(about.st_size);
}

void file::truncate(std::uint64_t size, deadline limit) {
  const off_t to = checked_offset(size, "truncate", file_.get());
  call_once("truncate", file_.get(), limit, [&](int fd) { return ftruncate(fd, to); });
}

void file::sync(deadline limit) {
  call_once("sync", file_.get(), limit, [](int fd) { return fsync(fd); });
}

std::uint64_t file::position() {
  const file_use use(file_.get(), "seek");
  const off_t at = lseek(use.fd(), 0, SEEK_CUR);
  if (at < 0) throw_errno("seek", use.path());
  return static_cast<std::uint64_t>(at);
}

void file::seek(std::uint64_t position) {
  const file_use use(file_.get(), "seek");
  if (lseek(use.fd(), checked_offset(position, "seek", file_.get()), SEEK_SET) < 0) throw_errno("seek", use.path());
}

void file::close(deadline limit) {
  if (!is_open()) return;
  const int code =
      internal::file_call("close", file_->path(), limit, [&](const call_limit&) { return file_->close(); });
  if (code != 0) throw error(code, "close", file_->path());
}

bool file::is_open() const noexcept { return file_ && file_->is_open(); }
std::string_view file::path() const noexcept { return file_ ? std::string_view(file_->path()) : std::string_view(); }
int file::native_handle() const noexcept { return file_->fd(); }

}  // namespace weir::net
