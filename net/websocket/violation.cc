#include "weir/net/websocket/violation.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace weir::net::websocket {
namespace {

using enum close_code;

constexpr std::array<rule_text, static_cast<std::size_t>(rule::count_of_rules)> texts{{
    {"none", "", "", "", normal},
    {"frame_header",
     "a control frame must be whole and short (125 octets), a length as short as it can be and below 2^63",
     "RFC 6455, sections 5.2 and 5.5", "Send what is longer as a message, and lengths below 126 in one octet.",
     protocol_error},
    {"reserved_bits", "the reserved bits of a frame must be zero, as no extension was agreed on",
     "RFC 6455, section 5.2", "Compress nothing.", protocol_error},
    {"opcode", "a frame's opcode must be 0, 1, 2, 8, 9 or 10", "RFC 6455, section 5.2", "Send text or binary.",
     protocol_error},
    {"masked_by_client", "a frame from a client must be masked", "RFC 6455, section 5.1",
     "Set the bit, and mask with four octets that nobody can foresee.", protocol_error},
    {"unmasked_by_server", "a frame from a server must not be masked", "RFC 6455, section 5.1",
     "Send the payload as it is.", protocol_error},
    {"continues_a_message", "a continuation must follow a frame of a message that has not ended",
     "RFC 6455, section 5.4", "Begin a message with opcode 1 or 2.", protocol_error},
    {"message_ends_first", "a message must end before the next one begins", "RFC 6455, section 5.4",
     "Go on with opcode 0, and set FIN on the last frame.", protocol_error},
    {"message_size", "a message must not be longer than this side takes", "RFC 6455, section 7.4.1",
     "Send less, or in several messages; this side's limit is options::message.", too_big},
    {"text", "text must be UTF-8", "RFC 6455, section 8.1", "Send other bytes as binary.", bad_text},
    {"close_size", "a close frame must have no octets, or two of a code and then a reason", "RFC 6455, section 5.5.1",
     "Send 1000 as 0x03 0xE8.", protocol_error},
    {"close_code", "a close frame's code must be one that may be sent", "RFC 6455, section 7.4",
     "Use 1000, or 4000 to 4999.", protocol_error},
    {"close_text", "a close frame's reason must be UTF-8", "RFC 6455, section 5.5.1", "Leave it out.", bad_text},
    {"memory", "there must be memory for what has come", "this machine", "Send less, or later.", internal_error},
}};

}  // namespace

const rule_text& describe(rule r) noexcept { return texts[static_cast<std::size_t>(r)]; }

std::string violation::text() const {
  if (!*this) return "no violation";
  const rule_text& t = describe(broken);
  return fmt::format("WebSocket: {} ({}); got {} (frame {}). {}", t.sentence, t.section, value, frame, t.remedy);
}

}  // namespace weir::net::websocket
