// One connection of a server: a request after the other, each by its handler.
//
// Thread-safety: the actor that runs it.
//
// The life of a connection: await_head() until a head is whole; the handler's part, in answering.cc; discard_body() for
// what the handler has left of the body; and again. It ends when the client has, when time is up, when something is
// wrong, when the server is drained: end(). What is to be said gathers in out_, and goes out before anything is waited
// for and before the next handler runs.
//
// Once the client is gone, calls throw net::error, as gone() says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "weir/net/http/internal/server_core.h"
#include "weir/net/http/reader.h"
#include "weir/net/http/writer.h"
#include "weir/net/io_result.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net::http::internal {

class connection {
 public:
  connection(server_core& of, stream s);
  connection(const connection&) = delete;
  ~connection();

  const net::stream& stream() const noexcept { return stream_; }
  server_core& of() const noexcept { return of_; }

  // True: take_head(). False: there is no more; end().
  bool await_head();
  request take_head();
  // A client that waits for 100 Continue is told to go on.
  void go_on();
  // The next piece of the body, empty behind it, or if the client waits for 100 Continue and has got its answer
  // instead. Throws status_error.
  std::string_view read_piece(bool answered);
  // Of the body: what is still to come by its Content-Length; empty if only its end will tell.
  std::optional<std::uint64_t> body_left() const noexcept {
    return body_done_ ? std::optional<std::uint64_t>(0) : in_.body_length();
  }
  // False: the connection cannot go on.
  bool discard_body();

  // Appends a head, with what this side adds: Date, Connection.
  void write_head(const request& asked, const response& head, body_plan body, site where);
  // The connection ends behind this answer.
  void last() noexcept { keep_ = false; }
  void append(std::string_view text) { out_ += text; }
  std::string& out() noexcept { return out_; }
  // Sends what was appended, and `pieces`. What ends it in the middle, be it a cancel, ends the connection: how much
  // went out is not known here, and nothing may be sent twice.
  void flush(std::initializer_list<std::string_view> pieces = {});
  // Not now, if it is little.
  void flush_if_much();

  // An answer has begun that cannot be ended.
  void broken() noexcept { broken_ = true; }
  // Sends what was appended; what came behind the request. The connection is somebody else's now.
  std::string give_up();
  // The client is, or what it has got is not known: nothing can be said to it any more.
  bool gone() const noexcept { return gone_; }
  bool given_up() const noexcept { return given_up_; }
  // Another request may follow.
  bool goes_on() const noexcept { return keep_ && !gone_ && !broken_ && !given_up_; }
  // Sends what was appended, and waits for a moment for the client to read it.
  void end();

 private:
  enum class wake : unsigned char { readable, drained, late };

  wake await_bytes(std::chrono::nanoseconds limit);
  void refuse(http::status s, const std::string& text);
  // False: the client is gone, or late.
  bool read(deadline limit, io_result& how);
  // `n` octets of a body have come after a wait.
  void account(std::chrono::nanoseconds waited, std::size_t n) noexcept;
  void throw_if_gone(const char* operation) const;

  server_core& of_;
  const net::stream stream_;
  request_reader in_;
  std::string out_;
  std::chrono::nanoseconds patience_{};  // for the next octets of the body: server_options::body_rate
  bool first_ = true;                    // no head has come yet
  bool body_done_ = true;                // of the request
  bool must_continue_ = false;           // the client waits for 100 Continue
  bool keep_ = true;                     // the connection goes on after this answer
  bool gone_ = false;                    // the client is, or what it has got is not known: see gone()
  bool broken_ = false;                  // an answer has begun and cannot be ended
  bool said_ = false;                    // something was, which the client may still have to read
  bool given_up_ = false;                // to a handler
  std::time_t date_second_ = -1;         // of date_
  std::string date_;
};

}  // namespace weir::net::http::internal
