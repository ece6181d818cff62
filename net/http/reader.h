// What a peer sends: bytes in, heads and pieces of bodies out. No sockets, no clock, no actors.
//   request_reader       a server's
//   response_reader      a client's
//   room(), filled(n)    where the next bytes are to be read to; feed() copies them there
//   next()               a head, a piece of its body, the message's end; `more` if bytes are missing
//
// Thread-safety: one thread at a time; it need not be the one that writes to the connection.
//
// One message follows the other: behind `end` next() begins with the next one, if its bytes are there (pipelining).
// Nothing the peer sends throws; the first violation is for good. A head is refused at the first octet that breaks a
// rule or a limit, and nothing is allocated for what a peer only says: a body is handed on in pieces as it comes, out
// of one buffer that grows with a head, up to limits::head, and is given back between messages.
//
//   for (;;) {
//     switch (in.next()) {
//       case input::more: {
//         const io_result got = stream.read_some(in.room());
//         in.filled(got.bytes);
//         if (got.status == io_status::end) in.ended();
//         if (!got && in.at_boundary()) return;  // between two messages: nothing is lost
//         if (!got && got.status != io_status::end) return gone(got);
//         break;
//       }
//       case input::head: begin(in.head()); break;
//       case input::body: use(in.piece()); break;
//       case input::end: answer(); break;
//       case input::failed: return refuse(in.failure());
//     }
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/buffer.h"
#include "weir/net/http/headers.h"
#include "weir/net/http/limits.h"
#include "weir/net/http/request.h"
#include "weir/net/http/response.h"
#include "weir/net/http/violation.h"

namespace weir::net::http {

enum class input : std::uint8_t {
  more,    // read
  head,    // see head()
  body,    // see piece(): at least one octet
  end,     // of the message; every head has one, also if there was no body
  failed,  // see failure(); for good
};

class message_reader {
 public:
  message_reader(const message_reader&) = delete;

  // Where the next bytes are to go: at least one, if next() has said `more` since the last call. Allocates: throws
  // std::bad_alloc.
  mutable_buffer room();
  // The first `n` of them are there now.
  void filled(std::size_t n) noexcept { end_ += n; }
  // Copies from the front of `bytes`, and returns how many: those that fit before next() must be called.
  std::size_t feed(const_buffer bytes);
  // The peer has ended its side: what is there is all. A body without a length is complete then; else a message that is
  // not fails with rule::cut_off.
  void ended() noexcept { ended_ = true; }

  // Throws std::bad_alloc, and may then be called again.
  input next();

  // Of the last `body`; valid until any other call.
  std::string_view piece() const noexcept { return piece_; }
  // Of the last `head`: what its body has by its Content-Length (0: none); empty if only its end will tell.
  std::optional<std::uint64_t> body_length() const noexcept;
  bool chunked() const noexcept { return body_ == body_kind::chunked; }
  // Behind `end`: the fields behind the last chunk.
  const http::headers& trailers() const noexcept { return trailers_; }

  // Between two messages, and nothing of the next one is there: the connection may end here.
  bool at_boundary() const noexcept { return state_ == state::head && begin_ == end_ && !failure_; }
  // Something of a message has come that is not whole.
  bool in_message() const noexcept { return !at_boundary(); }
  // Behind `end`: what came behind the message, and belongs to whatever protocol the connection goes on with.
  std::string take_unread();

  const violation& failure() const noexcept { return failure_; }
  // Octets of the connection that have been read so far, without those that only lie in the buffer.
  std::uint64_t offset() const noexcept { return offset_; }

 protected:
  enum class body_kind : std::uint8_t { none, length, chunked, until_end };

  explicit message_reader(const limits& most) noexcept : most_(most) {}
  ~message_reader() = default;

  // Reads `text`, a whole head with its last empty line, and says how its body goes on; false: it has failed.
  virtual bool read_head(std::string_view text) = 0;
  bool fail(rule r, std::string value, std::uint64_t at) noexcept;
  // By the fields of `text`. False: failed.
  bool frame(std::string_view text, const http::headers& fields, version spoken, bool response);
  // What its Content-Length says is not too much. False: failed.
  bool within_limit(std::string_view text);
  void no_body() noexcept { body_ = body_kind::none, remaining_ = 0; }
  // Nothing that comes behind this message is HTTP.
  void last_message() noexcept { last_ = true; }

  violation failure_;
  std::uint64_t offset_ = 0;

 private:
  enum class state : std::uint8_t { head, body, chunk_line, chunk_data, chunk_end, trailer, end, over, failed };

  input more_or_cut_off();
  input whole_head();
  input whole_trailer();
  input body();
  input chunk_line();
  input chunk_end();
  // Reads the lines behind the last chunk. False: failed.
  bool read_trailer(std::string_view text);
  // Looks at the lines of a head or trailer up to its end. -1: bytes are missing; -2: it has failed.
  long scan(bool trailer);
  input refuse(rule r, std::string_view value, std::size_t at);
  void consume(std::size_t n) noexcept { begin_ += n, offset_ += n; }
  std::string_view there() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }

  const limits most_;
  state state_ = state::head;
  body_kind body_ = body_kind::none;
  bool ended_ = false, last_ = false;
  // buffer_[begin_, end_) has come and is not consumed.
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  std::size_t scanned_ = 0, line_ = 0, lines_ = 0;  // of a head: octets, where the current line begins, whole lines
  std::uint64_t remaining_ = 0;                     // octets of the body, or of the chunk
  std::uint64_t body_seen_ = 0;                     // octets of the chunks so far
  std::size_t extensions_seen_ = 0;
  std::string_view piece_;
  http::headers trailers_;
};

class request_reader final : public message_reader {
 public:
  explicit request_reader(const limits& most = {}) noexcept : message_reader(most) {}

  // Valid from `head` on, until next() after `end`; its body is empty.
  const request& head() const noexcept { return head_; }
  request take_head() noexcept { return std::move(head_); }
  // The client waits for 100 Continue before it sends the body, at least for a while (RFC 9110, 10.1.1).
  bool expects_continue() const noexcept { return expects_continue_; }

 private:
  bool read_head(std::string_view text) override;

  request head_;
  bool expects_continue_ = false;
};

class response_reader final : public message_reader {
 public:
  explicit response_reader(const limits& most = {}) noexcept : message_reader(most) {}

  // What the request was that the next final response answers: a response to HEAD has no body, whatever its fields say,
  // and one of 2xx to CONNECT ends HTTP. Holds until it is called again.
  void expect(method asked) noexcept { asked_ = asked; }

  // Valid from `head` on, until next() after `end`; its body is empty. Interim responses (1xx) come as messages of
  // their own before the final one; behind the `end` of a 101 see take_unread().
  const response& head() const noexcept { return head_; }
  response take_head() noexcept { return std::move(head_); }

 private:
  bool read_head(std::string_view text) override;

  response head_;
  method asked_ = method::get;
};

}  // namespace weir::net::http
