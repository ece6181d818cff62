// weir::net::websocket::violation: which rule of the protocol a peer has broken, with which value, in which frame, and
// the remedy.
//   rule          what can be broken; each has a sentence, its section, a remedy, and the code that the peer is closed
//                 with
//   violation     "WebSocket: text must be UTF-8 (RFC 6455, section 8.1); got octet 255 at offset 7 (frame 2). ..."
//
// Thread-safety: values.
//
// A violation costs the peer its connection, and nobody else anything: it is a value, and nothing is thrown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/net/websocket/close_code.h"

namespace weir::net::websocket {

enum class rule : std::uint8_t {
  none,
  frame_header,
  reserved_bits,
  opcode,
  masked_by_client,
  unmasked_by_server,
  continues_a_message,
  message_ends_first,
  message_size,
  text,
  close_size,
  close_code,
  close_text,
  memory,
  count_of_rules
};

struct rule_text {
  std::string_view name;      // for counters: "reserved_bits"
  std::string_view sentence;  // "the reserved bits of a frame must be zero, as no extension was agreed on"
  std::string_view section;   // "RFC 6455, section 5.2"
  std::string_view remedy;    // what the peer should do
  websocket::close_code code;
};
const rule_text& describe(rule r) noexcept;

struct violation {
  rule broken = rule::none;
  std::string value = {};   // what came instead; printable
  std::uint64_t frame = 0;  // of the peer's, from 1

  explicit operator bool() const noexcept { return broken != rule::none; }
  std::string text() const;
};

}  // namespace weir::net::websocket
