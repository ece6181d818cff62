// What goes out: heads and bodies in, bytes out, at the end of `out`. No sockets.
//   write_head         of a request or a response, with what says how its body goes
//   write_chunk        a piece of a chunked body; write_last_chunk ends it
//   write_message      all of it, with its body
//
// Thread-safety: as free functions. They allocate where `out` has to grow.
//
// What is written is one message, whatever its parts came from: a target, a reason or a field that would end its line
// is misuse (headers.h checks fields when they are added). Who frames is one: fields may not have Content-Length or
// Transfer-Encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/net/http/headers.h"
#include "weir/net/http/request.h"
#include "weir/net/http/response.h"
#include "weir/runtime/base/site.h"

namespace weir::net::http {

// How a body goes.
class body_plan {
 public:
  enum class kind : std::uint8_t { none, length, chunked, until_end };

  // There is none. A request of a method that could have one, and a response whose status could, say Content-Length: 0.
  static constexpr body_plan none() noexcept { return {kind::none, 0}; }
  // So many octets will follow; to HEAD, and with 304: would follow.
  static constexpr body_plan length(std::uint64_t octets) noexcept { return {kind::length, octets}; }
  // In chunks, not for HTTP/1.0.
  static constexpr body_plan chunked() noexcept { return {kind::chunked, 0}; }
  // Of a response: until the connection ends. Says Connection: close.
  static constexpr body_plan until_end() noexcept { return {kind::until_end, 0}; }

  constexpr kind how() const noexcept { return how_; }
  constexpr std::uint64_t octets() const noexcept { return octets_; }

 private:
  constexpr body_plan(kind how, std::uint64_t octets) noexcept : how_(how), octets_(octets) {}

  kind how_;
  std::uint64_t octets_;
};

// The body of `r` is not looked at. Throws misuse, having appended nothing: an empty target or one with spaces or
// control characters; no Host, or several, in HTTP/1.1; a plan that the version or the status does not allow; fields
// that frame.
void write_head(std::string& out, const request& r, body_plan body, site where = site::current());
void write_head(std::string& out, const response& r, body_plan body, site where = site::current());

// Appends nothing if `piece` is empty, as an empty chunk would be the last.
void write_chunk(std::string& out, std::string_view piece);
// What goes before a chunk of so many octets, which CR LF must follow: for pieces that are not to be copied.
void write_chunk_line(std::string& out, std::uint64_t octets);
void write_last_chunk(std::string& out, const headers& trailers = {});

// With all of its body, and its length. For HEAD: write_head with body_plan::length.
void write_message(std::string& out, const request& r, site where = site::current());
void write_message(std::string& out, const response& r, site where = site::current());

}  // namespace weir::net::http
