// The frames of WebSocket (RFC 6455, section 5): bytes in, messages and control frames out, and the other way; no
// sockets, no clock.
//   decoder    what the peer sends after the handshake
//   encoder    what this side sends
//
// Thread-safety: each by one thread at a time, beside each other.
//
// Nothing the peer sends throws. Limits are looked at before anything is kept: a message's memory grows with the bytes
// that have come, never by the length that a frame claims. The first violation ends the decoder, and frees what it has.
// Frames are read and written by libwslay; what it lets pass is checked here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weir/net/websocket/close_code.h"
#include "weir/net/websocket/internal/utf8.h"
#include "weir/net/websocket/message.h"
#include "weir/net/websocket/violation.h"

// libwslay's.
struct wslay_frame_context;
struct wslay_frame_iocb;

namespace weir::net::websocket {

namespace internal {
struct free_frame_context {
  void operator()(wslay_frame_context* c) const noexcept;
};
using frame_context = std::unique_ptr<wslay_frame_context, free_frame_context>;
}  // namespace internal

enum class input : std::uint8_t {
  more,     // nothing whole is there: read
  message,  // `into` is one
  ping,     // `into` is what a pong has to repeat
  pong,     // `into` is what some ping had, or nobody's
  close,    // see peer_close(); for good: what comes after it is not looked at
  failed,   // see failure(); for good
};

class decoder {
 public:
  // `side`: this one. `most`: octets of a message. Throws std::bad_alloc.
  decoder(role side, std::size_t most);
  decoder(const decoder&) = delete;
  decoder& operator=(const decoder&) = delete;

  // Takes from the front of `bytes` what the next event needs, and some more, which it keeps. `more`: all of it was
  // taken. Fails if there is no memory for what has come, as part of it is lost then.
  input next(std::string_view& bytes, message& into) noexcept;

  const violation& failure() const noexcept { return failure_; }
  const close_reason& peer_close() const noexcept { return close_; }

 private:
  static long take(std::uint8_t* into, std::size_t most, int flags, void* self) noexcept;
  input decode(message& into);
  bool begin_frame(const wslay_frame_iocb& f);
  bool add(const wslay_frame_iocb& f);
  input end_control(message& into);
  input end_close();
  input fail(rule r, std::string value) noexcept;
  input ended() noexcept;

  std::string_view* bytes_ = nullptr;  // while next() runs
  const role side_;
  const std::size_t most_;
  internal::frame_context frames_;
  std::uint64_t frame_ = 0;     // how many have begun
  unsigned opcode_ = 0;         // of the frame that is being received
  bool in_frame_ = false;       // its header has come, and not all of its payload
  std::uint64_t received_ = 0;  // octets of its payload
  bool in_message_ = false;     // a message has begun and not ended
  message partial_;             // what has come of it
  internal::utf8_check text_;   // of it, if it is text
  std::string control_;         // what has come of a control frame
  bool closed_ = false;
  close_reason close_;
  violation failure_;
};

class encoder {
 public:
  // Throws std::bad_alloc.
  explicit encoder(role side);
  encoder(const encoder&) = delete;
  encoder& operator=(const encoder&) = delete;

  // Each appends one frame to `out`. Throws std::bad_alloc, and net::error if the kernel has no randomness; then
  // nothing was appended.
  void add(std::string& out, const message& m);
  // REQUIRES: at most 125 octets.
  void ping(std::string& out, std::string_view data);
  void pong(std::string& out, std::string_view data);
  // no_code: a frame without a code. REQUIRES: no_code and no text, or may_be_sent(code); at most most_close_text
  // octets of UTF-8.
  void close(std::string& out, close_code code, std::string_view text);

 private:
  static long put(const std::uint8_t* bytes, std::size_t n, int flags, void* self) noexcept;
  static int mask(std::uint8_t* into, std::size_t n, void* self) noexcept;
  void frame(std::string& out, unsigned opcode, std::string_view payload);

  std::string* out_ = nullptr;  // while frame() runs
  const role side_;
  internal::frame_context frames_;
  std::uint8_t random_[256];  // masks to come: they must not be foreseeable (section 10.3)
  std::size_t used_ = sizeof random_;
};

}  // namespace weir::net::websocket
