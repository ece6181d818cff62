// One request and its response, over a connection of the client: a kept one, or a new one.
//
// Thread-safety: one at a time.
//
// Invariants:
//  1. place_ is held until the response has been read to its end, or the client_exchange is given up.
//  2. connection_ goes back to the pool only if the response has been read to its end, both sides keep it, and nothing
//     has come behind it. In every other case, an exception and a cancel among them, it is closed.
//  3. A request is sent a second time only over another connection, if the first one was a kept one that has given no
//     byte of a response, and if that does no harm: the method is idempotent, or nothing of it went out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weir/net/buffer.h"
#include "weir/net/http/content_coding.h"
#include "weir/net/http/error.h"
#include "weir/net/http/internal/client_core.h"
#include "weir/net/http/internal/connection_pool.h"
#include "weir/net/http/method.h"
#include "weir/net/http/request.h"
#include "weir/net/http/response.h"
#include "weir/net/http/url.h"
#include "weir/net/io_result.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net::http::internal {

class client_exchange {
 public:
  // Sends `r` and waits for the head of the response. `inflates`: bodies that come coded are read decoded. Throws
  // http::error.
  client_exchange(std::shared_ptr<client_core> core, const url& to, const request& r, bool inflates, deadline limit);
  client_exchange(const client_exchange&) = delete;

  const response& head() const noexcept { return head_; }
  response take_head() noexcept { return std::move(head_); }
  std::uint64_t body_limit() const noexcept { return core_->options.limits.body; }

  // As incoming::read_some.
  std::size_t read_some(mutable_buffer into);
  std::string read_all(std::uint64_t most);
  // Reads the body to its end and throws it away, if that is not much; else the connection goes. The last call.
  void skip_body();

  [[noreturn]] void fail(error_kind kind, const std::string& happened, const std::string& remedy) const;

 private:
  enum class outcome : bool { response, gone };

  void find_connection(bool kept);
  std::unique_ptr<client_connection> connect();
  stream begin_tls(stream over, deadline limit);
  // `gone`: the kept connection was one no more, and the request may go over another.
  outcome send(const request& r);
  outcome await_head();
  // Reads more. False: the peer has ended, or broken off. Throws if the deadline has come, or a cancel.
  bool fill();
  [[noreturn]] void fail_refused() const;
  [[noreturn]] void fail_gone(const std::string& how) const;
  [[noreturn]] void fail_late() const;
  void choose_decoder();
  // The next piece of the body as it came; empty: there is none.
  std::string_view next_piece();
  std::string read_all_coded(std::uint64_t most);
  [[noreturn]] void fail_too_large(std::uint64_t size, std::uint64_t most) const;
  void finish();

  const std::shared_ptr<client_core> core_;
  const url to_;
  const method method_;
  const bool inflates_, asked_to_close_;
  deadline limit_;
  phase phase_ = phase::preparing;
  connection_pool::place place_;
  std::unique_ptr<client_connection> connection_;
  bool kept_ = false;       // connection_ was in use before
  bool may_repeat_ = true;  // see invariant 3
  bool any_ = false;        // some of the response has come
  io_result broken_{};      // how the connection ended; ok: it has not
  response head_;
  bool keeps_ = false;  // the server does not close the connection behind this response
  std::optional<content_decoder> decoder_;
  std::string_view piece_;  // of the body, in connection_->in, not read yet
  std::uint64_t received_ = 0;
  bool more_decoded_ = false;  // decoder_ has filled all that it got, and may have more without another piece
  bool whole_ = false;         // the body has been read to its end
};

}  // namespace weir::net::http::internal
