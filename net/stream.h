// weir::net::stream: a stream of bytes in both directions, whatever carries it: TCP, a Unix socket, a pipe, memory.
//   read_some, read_exactly, read_until   parks until there is something, all, a delimiter
//   write_all, write_some                 parks until the kernel (or the peer's memory) has taken it over
//   shutdown                              ends the writing half: the peer reads the end
//   close                                 ends both halves, and every call in progress
//   on_readable, on_writable              cases for select: net/on_stream.h
//
// Thread-safety: one actor or thread may read while another writes, and anybody may close, through one handle or
// several (share()). A second reader or writer at the same time is misuse and throws. Assigning, moving and reset need
// exclusion.
//
// A handle is one reference; the last one to go closes. Streams work from plain threads too, which then block.
//
// Every call that can wait: the peer's bytes (for writes: room) wake it; so do the peer's end and a reset, which are
// values of io_result. `limit` ends it with `timeout`; close() from anywhere with `closed`; a cancel throws
// weir::cancelled (while the caller unwinds: `closed`). In a cancelled scope what would be `end`, `reset` or `closed`
// throws weir::cancelled too, as it may be the cancel's own doing. A call that need not wait tries before it looks at
// clock or cancel, and succeeds. Bytes that went before count: io_result says how many, and where an exception leaves
// no result, bytes_read() and bytes_written() do. Other failures throw net::error. What allocates says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/buffer.h"
#include "weir/net/internal/stream_core.h"
#include "weir/net/io_result.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {

class stream {
 public:
  stream() = default;  // refers to none
  explicit stream(internal::stream_core* adopted) noexcept : core_(adopted) {}
  stream(stream&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  stream& operator=(stream&& other) noexcept {
    stream taken(std::move(other));
    std::swap(core_, taken.core_);
    return *this;
  }
  ~stream() { reset(); }

  // Another handle to the same stream, for an actor that writes while this one reads.
  stream share(site where = site::current()) const;

  // Reads what is there, at least one byte, at most what fits. See the top of this file for what ends it. An empty
  // buffer is ok at once, without a look at the stream.
  io_result read_some(mutable_buffer into, deadline limit = {}, site where = site::current()) const;
  // Reads until the buffer is full. Anything but ok: `bytes` of it are filled.
  io_result read_exactly(mutable_buffer into, deadline limit = {}, site where = site::current()) const;
  // Reads up to and including `delimiter`, into `text`, which it replaces; `bytes` is its length. If `most` bytes hold
  // no delimiter: too_long. If the peer ends before one comes: `end`, and `text` is the rest. With too_long, timeout,
  // closed and a cancel `text` is empty, and what came is kept for the next read. With a reset it is given up.
  // Allocates. Throws misuse if the delimiter is empty or longer than `most`.
  io_result read_until(std::string& text, std::string_view delimiter, std::size_t most = 64 * 1024, deadline limit = {},
                       site where = site::current()) const;

  // Writes all of it. Anything but ok: `bytes` went, from the front; the peer may have read them.
  io_result write_all(const_buffer from, deadline limit = {}, site where = site::current()) const;
  // The same for several pieces, as if they were one, in as few calls of the kernel as can be.
  io_result write_all(std::span<const const_buffer> pieces, deadline limit = {}, site where = site::current()) const;
  io_result write_all(std::initializer_list<const_buffer> pieces, deadline limit = {},
                      site where = site::current()) const {
    return write_all(std::span<const const_buffer>(pieces.begin(), pieces.size()), limit, where);
  }
  // Writes what there is room for, at least one byte.
  io_result write_some(const_buffer from, deadline limit = {}, site where = site::current()) const;

  // Ends the writing half: the peer reads all that was written, then the end. Reading goes on. Later writes are
  // `closed`. A second call does nothing. Does not wait for sockets, pipes and memory. It counts as a write: not beside
  // one.
  io_result shutdown(deadline limit = {}, site where = site::current()) const;

  // Ends both halves. Calls in progress, of other actors, end with `closed`; so do all later ones. Idempotent, does not
  // park. What was written and not yet sent still goes out, as long as the kernel can.
  void close(site where = site::current()) const;

  // Gives the handle up; the last one closes.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->release();
  }

  // Since the stream was opened. Of a call in progress what has gone so far: after a cancel, what went.
  std::uint64_t bytes_read(site where = site::current()) const;
  std::uint64_t bytes_written(site where = site::current()) const;

  // What read_until has read beyond the last delimiter, and gives up to the caller, who is to read on by other means.
  std::string take_unread(site where = site::current()) const;

  // `tcp://127.0.0.1:80`: the peer, or what the stream is.
  std::string name(site where = site::current()) const;

  // For those who would rather have an exception: the number of bytes if `r` is ok, else throws net::error with
  // `operation`, the stream's name, and what happened.
  std::size_t expect(const char* operation, io_result r, site where = site::current()) const;

  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select, and for what is built on streams. Throws misuse if the handle refers to none.
  internal::stream_core& core(const char* call, site where) const {
    if (core_ == nullptr) throw_empty(call, where);
    return *core_;
  }

 private:
  [[noreturn]] static void throw_empty(const char* call, site where);

  internal::stream_core* core_ = nullptr;
};

}  // namespace weir::net
