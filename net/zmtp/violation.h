// weir::net::zmtp::violation: which rule of the protocol a peer has broken, with which value, at which octet.
//   rule          what can be broken; each has a sentence and the section of the RFC it comes from
//   violation     "ZMTP: the first octet of a greeting must be 0xFF (RFC 37, Formal Grammar); got 0x47 at octet 0"
//
// Thread-safety: values.
//
// A violation costs the peer its connection, and nobody else anything: it is a value, and nothing is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::net::zmtp {

enum class rule : std::uint8_t {
  none,
  // Greeting
  signature_begin,
  signature_end,
  version,
  mechanism,
  // Frames
  flags_reserved,
  command_is_one_frame,
  size_63_bits,
  message_size,
  message_frames,
  command_size,
  memory,
  // Commands
  command_name,
  command_name_letters,
  handshake_is_commands,
  command_expected,
  command_after_handshake,
  // Metadata
  property_name,
  property_name_letters,
  property_value_31_bits,
  property_fits,
  property_count,
  property_once,
  socket_type_known,
  socket_type_legal,
  identity_size,
  identity_reserved,
  // Commands' data
  error_reason,
  hello_fields,
  welcome_empty,
  topic_size,
  ping_ttl,
  ping_context,
  // Not broken by the bytes, but the end of the connection
  refused_by_peer,
  refused_by_us,
  count_of_rules
};

struct rule_text {
  std::string_view name;      // for counters: "flags_reserved"
  std::string_view sentence;  // "the reserved bits 7 to 3 of a frame's flags must be zero"
  std::string_view section;   // "RFC 37, Framing"
};
const rule_text& describe(rule r) noexcept;

struct violation {
  rule broken = rule::none;
  std::string value = {};    // what came instead; printable
  std::uint64_t offset = 0;  // of the octet, in what this peer has sent since the connection began

  explicit operator bool() const noexcept { return broken != rule::none; }
  std::string text() const;
};

// `bytes` as they may be shown: what is not printable as \x00, and no more than 64 of them.
std::string printable(std::string_view bytes);
// 0x47.
std::string hex(unsigned octet);

}  // namespace weir::net::zmtp
