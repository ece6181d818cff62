// How a read or a write of a stream ended, and how far it came.
//
// What happens to any long-lived stream is a value: its end, a reset, a deadline, a close by this side. A peer that
// misbehaves so costs its connection, and does not unwind the actor that serves it, nor its siblings. Failures of
// another kind (no memory in the kernel, an input/output error) throw net::error, a cancel throws weir::cancelled.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::net {

enum class io_status : std::uint8_t {
  ok,        // all that was asked for
  end,       // reads: the peer has ended its side in order, and all it sent has been read
  reset,     // the connection is gone; `code` says how (ECONNRESET, EPIPE, ...)
  timeout,   // the deadline came first
  closed,    // this side has closed the stream, or its writing half
  too_long,  // read_until: its bound came before the delimiter
};

struct [[nodiscard]] io_result {
  io_status status = io_status::ok;
  // An errno with `reset`, else 0.
  int code = 0;
  // What went, whatever the status: of a read so many bytes lie in the buffer, of a write so many were taken over by
  // the kernel (or by the peer's memory), in order, from the front.
  std::size_t bytes = 0;

  explicit operator bool() const noexcept { return status == io_status::ok; }
};

// "ok", "end", "reset", "timeout", "closed", "too_long".
const char* name_of(io_status s) noexcept;

}  // namespace weir::net
