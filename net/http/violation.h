// weir::net::http::violation: which rule of HTTP a peer has broken, with which value, at which octet, and the remedy.
//   rule        what can be broken; each has a sentence, the section it comes from, a remedy, and a status to answer
//   violation   "HTTP: a message must not have both Content-Length and Transfer-Encoding (RFC 9112, 6.3); got ..."
//
// Thread-safety: values.
//
// A violation costs the peer its connection, and nobody else anything: it is a value, and nothing is thrown. Where
// RFC 9112 lets a recipient choose between repair and refusal, this one refuses: what two recipients read differently
// is how requests are smuggled past one of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/net/http/status.h"

namespace weir::net::http {

enum class rule : std::uint8_t {
  none,
  // Lines
  bare_lf,
  bare_cr,
  control_character,
  folded_line,
  // Start line
  start_line_size,
  method_known,
  target_form,
  version_known,
  status_line,
  // Fields
  head_size,
  field_count,
  field_line,
  host_once,
  host_value,
  // Framing
  length_and_encoding,
  content_length,
  transfer_encoding,
  transfer_coding_known,
  body_size,
  chunk_line_size,
  chunk_extensions,
  chunk_size,
  chunk_end,
  trailer_field,
  // Not broken by an octet, but by the end
  cut_off,
  count_of_rules
};

struct rule_text {
  std::string_view name;      // for counters: "bare_lf"
  std::string_view sentence;  // "a line must end with CR LF"
  std::string_view section;   // "RFC 9112, 2.2"
  std::string_view remedy;    // what the peer should do
  http::status answer;        // what a server says
};
const rule_text& describe(rule r) noexcept;

struct violation {
  rule broken = rule::none;
  std::string value = {};    // what came instead; printable
  std::uint64_t offset = 0;  // of the octet, in what this peer has sent since the connection began

  explicit operator bool() const noexcept { return broken != rule::none; }
  http::status answer() const noexcept { return describe(broken).answer; }
  std::string text() const;
};

// `bytes` as they may be shown: what is not printable as \x00, and no more than 64 of them.
std::string printable(std::string_view bytes);

}  // namespace weir::net::http
