// weir::net::zmtp::decoder: what a peer sends after the handshake: bytes in, messages and commands out.
//   room(), filled(n)   where the next bytes are to be read to; feed() copies them there
//   next()              one message, subscription or heartbeat; `more` if bytes are missing
//
// Thread-safety: one thread at a time; it need not be the one that uses the connection's encoder.
//
// Nothing the peer sends throws, and the limits are looked at before anything is waited or allocated for. The first
// violation ends it, and frees what it has. Short messages are decoded without an allocation; longer ones share the
// buffer they were read into; a frame of 16 KiB or more has its own memory, which grows with what has come.
//
// A connection's read loop:
//   for (;;) {
//     switch (in.next(m)) {
//       case input::more: {
//         const io_result got = stream.read_some(in.room());
//         in.filled(got.bytes);
//         if (!got) return in.at_boundary();  // its end, or a deadline: there is nothing to wait for
//         break;
//       }
//       case input::message: deliver(std::move(m)); break;
//       case input::failed: return log(in.failure().text()), false;
//       ...
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/net/buffer.h"
#include "weir/net/message.h"
#include "weir/net/zmtp/internal/large_body.h"
#include "weir/net/zmtp/internal/receive_buffer.h"
#include "weir/net/zmtp/limits.h"
#include "weir/net/zmtp/violation.h"

namespace weir::net::zmtp {

enum class input : std::uint8_t {
  more,       // nothing whole is there: read
  message,    // `into` is one
  subscribe,  // `into` is one frame, the topic; as a command, or as the message of ZMTP 3.0
  cancel,     // the same: one subscription to that topic ends
  ping,       // `into` is one frame, the context, which PONG has to repeat; see ping_ttl()
  pong,       // `into` is one frame, the context
  failed,     // see failure(); for good
};

class decoder {
 public:
  // `subscriptions`: this side is PUB or XPUB; for others SUBSCRIBE and CANCEL are commands that mean nothing.
  // `offset`: how many octets of the connection the handshake has taken.
  explicit decoder(const limits& most = {}, bool subscriptions = false, std::uint64_t offset = 0);

  // Where the next bytes are to go: at least one, as long as next() has said `more` since the last call; none if it has
  // not, and the buffer is full, or if it has failed. Throws std::bad_alloc.
  mutable_buffer room();
  // The first `n` of them are there now.
  void filled(std::size_t n) noexcept;
  // Copies from the front of `bytes`, and returns how many: those that fit before next() must be called.
  std::size_t feed(const_buffer bytes);

  // Fails if there is no memory for what has come (rule::memory), as part of it is lost then.
  input next(message& into) noexcept;

  const violation& failure() const noexcept { return failure_; }
  // Of the last ping, in tenths of a second; 0: none.
  std::uint16_t ping_ttl() const noexcept { return ping_ttl_; }
  // Octets of the connection that have been decoded, those of the handshake included.
  std::uint64_t offset() const noexcept { return offset_; }
  // Whether the connection may end here, between two messages.
  bool at_boundary() const noexcept { return !failure_ && buffer_.size() == 0 && !large_.active() && partial_.empty(); }
  std::uint64_t ignored_commands() const noexcept {
    return ignored_commands_;
  }                                                                        // of later versions, or for other sockets
  std::uint64_t ignored_flags() const noexcept { return ignored_flags_; }  // see limits::reserved_flags_ignored

 private:
  bool header_allowed(unsigned flags, std::uint64_t size);
  bool begin_large(const std::byte* body, std::size_t have, std::size_t size, unsigned flags);
  bool absorb_large();
  input message_frame(frame f, unsigned flags, message& into);
  input command_frame(std::string_view body, message& into);
  input decode(message& into);
  void pass_over(std::size_t octets);
  input fail(rule r, std::string value, std::uint64_t at);
  input end() noexcept;

  internal::receive_buffer buffer_;
  limits most_;
  bool subscriptions_;
  bool into_large_ = false;          // room() gave room in large_
  std::size_t need_ = 1;             // octets that must be in buffer_ before next() can go on
  message partial_;                  // the frames that have come of a message that is not whole
  std::uint64_t partial_bytes_ = 0;  // what it counts of limits::message
  std::size_t partial_own_ = 0;      // so many of its frames, from the front, have memory of their own
  std::size_t passed_over_ = 0;      // octets of commands among the others
  internal::large_body large_;       // the frame that is being received, if it is a long one
  std::size_t last_large_ = 0;       // its size, if it was the last frame
  std::uint64_t offset_;
  std::uint16_t ping_ttl_ = 0;
  std::uint64_t ignored_commands_ = 0, ignored_flags_ = 0;
  violation failure_;
};

}  // namespace weir::net::zmtp
