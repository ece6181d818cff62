// weir::net::file: a file that actors read and write without keeping their worker from others.
//   for (std::string& line : weir::net::file("/etc/services").lines()) ...
//
// Thread-safety: all calls but construction, assignment and destruction, from any actor or thread. Calls that use the
// file's position follow one another; which of two goes first is for their callers to say. read_at and write_at do not
// use it.
//
// The reads and writes are those of a stream (net/stream.h), and end as they do: io_result. What they have in common:
// - They park while a thread of the blocking pool (runtime_options.blocking_threads) does the work; its end wakes them.
//   A read of what the kernel has in memory does not park. On a plain thread they block it.
// - The kernel does not let go of a call on a file before its end. So a deadline or a cancel ends a call that is still
//   in line at once, and of one that has begun the rest after the present step, 1 MiB at most; the step itself may take
//   as long as its disk or its file server. A deadline is `timeout`, or throws net::error (errc::timeout) where there
//   is no io_result. A cancel throws weir::cancelled; bytes_written() and position() tell how far the call came. While
//   the caller unwinds in a cancelled scope, what needs another thread is `closed`, or throws actor_cancelled.
// - close() lets calls in flight come to their end, and refuses new ones: `closed`, or net::error (errc::closed).
// - What goes wrong beyond that throws net::error, which names the call and the path; std::system_error, if the pool
// has
//   no thread and can start none.
// - None allocates, but for what it returns, and for errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "weir/net/buffer.h"
#include "weir/net/files/lines.h"
#include "weir/net/files/open_mode.h"
#include "weir/net/io_result.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net {

namespace internal {
class open_file;
}

class file {
 public:
  file() noexcept;  // of none: as closed
  // Opens it. Regular files, block devices, and those character devices that never keep one waiting; a directory, a
  // FIFO, a socket, a terminal is refused with what to use instead. The descriptor does not go to child processes.
  explicit file(const std::filesystem::path& path, open_mode mode = open_mode::read, deadline limit = {});
  file(file&&) noexcept;
  file& operator=(file&&) noexcept;
  ~file();  // closes it, on this thread

  // At the position, which moves on. read_some: at least one byte, fewer than there is room for if that is quicker.
  // read_exactly: until the buffer is full. `end` is the end of the file for now: what is appended later is read later.
  io_result read_some(mutable_buffer into, deadline limit = {});
  io_result read_exactly(mutable_buffer into, deadline limit = {});
  // The bytes from `offset` on, until the buffer is full or the file is at its end.
  io_result read_at(std::uint64_t offset, mutable_buffer into, deadline limit = {});

  // At the position, which moves on; with open_mode::append at the end. All of it: anything but ok went in part, and
  // so did what threw (a disk that is full), see bytes_written().
  io_result write_all(const_buffer from, deadline limit = {});
  // Throws net::error (EINVAL) with open_mode::append, where Linux would write to the end all the same.
  io_result write_at(std::uint64_t offset, const_buffer from, deadline limit = {});
  // What this object has put out, calls in progress and those that failed included.
  std::uint64_t bytes_written() const noexcept;

  // For those who would rather have an exception: as stream::expect. `end` is one, too.
  std::size_t expect(const char* operation, io_result r) const;

  std::uint64_t size(deadline limit = {});
  // Cuts it off, or lengthens it by zeros. The position stays.
  void truncate(std::uint64_t size, deadline limit = {});
  // What was written is on the disk when it returns.
  void sync(deadline limit = {});

  // These two do not park. A device without positions: net::error (ESPIPE).
  std::uint64_t position();
  void seek(std::uint64_t position);

  // From the position on: lines.h. The file outlives the range.
  line_range lines(line_options options = {}) & { return line_range(*this, options); }
  // The range keeps the file.
  line_range lines(line_options options = {}) && { return line_range(std::move(*this), options); }

  // Idempotent. Throws what close(2) says, as network file systems find out only then that a disk is full; nothing of
  // the kind if other calls are in flight, the last of which closes the descriptor.
  void close(deadline limit = {});
  bool is_open() const noexcept;

  // As given; empty if there is none.
  std::string_view path() const noexcept;
  // For what is not here. REQUIRES: is_open(), as long as it is used.
  int native_handle() const noexcept;

 private:
  std::unique_ptr<internal::open_file> file_;
};

}  // namespace weir::net
