#include "weir/net/zmtp/violation.h"

#include <fmt/format.h>

#include <array>

namespace weir::net::zmtp {
namespace {

constexpr std::array<rule_text, static_cast<std::size_t>(rule::count_of_rules)> texts = {{
    {"none", "no rule is broken", ""},
    {"signature_begin", "the first octet of a greeting must be 0xFF: the peer speaks ZMTP 1.0, or no ZMTP",
     "RFC 37, Formal Grammar"},
    {"signature_end", "octet 9 of a greeting must be 0x7F: the peer speaks ZMTP 1.0, or no ZMTP",
     "RFC 37, Formal Grammar"},
    {"version", "the peer must speak ZMTP 3.0 or later", "RFC 37, Version Negotiation"},
    {"mechanism", "both peers must announce the same security mechanism", "RFC 37, Authentication and Confidentiality"},
    {"flags_reserved", "the reserved bits 7 to 3 of a frame's flags must be zero", "RFC 37, Framing"},
    {"command_is_one_frame", "a command must be one frame, without the MORE bit", "RFC 37, Framing"},
    {"size_63_bits", "the size of a frame must not exceed 2^63-1", "RFC 37, Framing"},
    {"message_size", "a message must not exceed the size that this side accepts", "limits::message"},
    {"message_frames", "a message must not have more frames than this side accepts", "limits::frames"},
    {"command_size", "a command must not exceed the size that this side accepts", "limits::command"},
    {"memory", "there must be memory for a message", "this machine"},
    {"command_name", "a command must begin with the length of its name, at least 1, and its name",
     "RFC 37, Formal Grammar"},
    {"command_name_letters", "the name of a command must consist of letters", "RFC 37, Formal Grammar"},
    {"handshake_is_commands", "a handshake must consist of commands", "RFC 37, Formal Grammar"},
    {"command_expected", "the security handshake wants another command here",
     "RFC 37, The NULL Security Mechanism; RFC 24"},
    {"command_after_handshake", "a command of the handshake must not come after it", "RFC 37, Formal Grammar"},
    {"property_name", "the name of a property must have 1 to 255 characters", "RFC 37, The NULL Security Mechanism"},
    {"property_name_letters", "the name of a property must consist of letters, digits and - _ . +",
     "RFC 37, The NULL Security Mechanism"},
    {"property_value_31_bits", "the size of a property must not exceed 2^31-1", "RFC 37, The NULL Security Mechanism"},
    {"property_fits", "a property must end within its command", "RFC 37, The NULL Security Mechanism"},
    {"property_count", "metadata must not have more properties than this side accepts", "limits::properties"},
    {"property_once", "metadata is a dictionary: a property must come once", "RFC 37, Connection Metadata"},
    {"socket_type_known", "the Socket-Type must be one of the protocol's", "RFC 37, The Socket-Type Property"},
    {"socket_type_legal", "the Socket-Type must be one that may talk to this socket",
     "RFC 37, The Socket-Type Property"},
    {"identity_size", "the Identity must not exceed 255 octets", "RFC 37, The Identity Property"},
    {"identity_reserved", "the first octet of an Identity must not be zero", "RFC 37, The Identity Property"},
    {"error_reason", "the data of ERROR must be the length of a reason and the reason",
     "RFC 37, The NULL Security Mechanism"},
    {"hello_fields", "the data of HELLO must be a username and a password, each behind its length", "RFC 24"},
    {"welcome_empty", "WELCOME must have no data", "RFC 24"},
    {"topic_size", "a subscription must not exceed the size that this side accepts", "limits::topic"},
    {"ping_ttl", "the data of PING must begin with two octets of time to live", "RFC 37, Connection Heartbeating"},
    {"ping_context", "the context of PING and PONG must not exceed 16 octets", "RFC 37, Connection Heartbeating"},
    {"refused_by_peer", "the peer refuses the connection, and says why", "RFC 37, Error Handling"},
    {"refused_by_us", "the peer's credentials must be good", "RFC 37, Error Handling"},
}};

}  // namespace

const rule_text& describe(rule r) noexcept { return texts[static_cast<std::size_t>(r)]; }

std::string violation::text() const {
  const rule_text& t = describe(broken);
  return fmt::format("ZMTP: {} ({}); got {} at octet {}", t.sentence, t.section, value, offset);
}

std::string printable(std::string_view bytes) {
  constexpr std::size_t most = 64;
  std::string out = "\"";
  for (const char c : bytes.substr(0, most)) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\')
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  out += bytes.size() > most ? "\"..." : "\"";
  return out;
}

std::string hex(unsigned octet) { return fmt::format("0x{:02X}", octet); }

}  // namespace weir::net::zmtp
