#include "weir/net/http/violation.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace weir::net::http {
namespace {

using enum status;

constexpr std::array<rule_text, static_cast<std::size_t>(rule::count_of_rules)> texts = {{
    {"none", "no rule is broken", "", "", ok},
    {"bare_lf", "a line must end with CR LF, not with LF alone", "RFC 9112, 2.2", "Send CR LF.", bad_request},
    {"bare_cr", "CR must be followed by LF", "RFC 9112, 2.2", "Send CR LF at the end of a line, and CR nowhere else.",
     bad_request},
    {"control_character", "a head must have no control characters", "RFC 9110, 5.5",
     "Encode the value; NUL and the like never go into a head.", bad_request},
    {"folded_line", "a field must not go on in another line, nor a line begin with a space", "RFC 9112, 5.2",
     "Send each field in one line.", bad_request},
    {"start_line_size", "the first line must not exceed the size that this side accepts", "limits::start_line",
     "Send a shorter target; large queries belong into a body.", uri_too_long},
    {"method_known", "the first line must begin with a method this side knows and one space", "RFC 9110, 9",
     "Methods are written in capitals: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS.", not_implemented},
    {"target_form", "the target must be a path from / on, a http: or https: URL, or of OPTIONS *, of CONNECT host:port",
     "RFC 9112, 3.2", "Encode spaces and what is no ASCII by %; leave out the fragment.", bad_request},
    {"version_known", "the version must be HTTP/1.0 or HTTP/1.1", "RFC 9112, 2.3", "Speak HTTP/1.1.",
     version_not_supported},
    {"status_line", "the first line of a response must be its version, a status from 100 to 599, and a reason",
     "RFC 9112, 4", "The peer may speak no HTTP: look at host and port.", bad_gateway},
    {"head_size", "a head, or a trailer, must not exceed the size that this side accepts", "limits::head",
     "Send fewer or shorter fields: cookies are the usual reason.", header_fields_too_large},
    {"field_count", "a head, or a trailer, must not have more fields than this side accepts", "limits::fields",
     "Send fewer fields.", header_fields_too_large},
    {"field_line",
     "a field must be a name of letters, digits and !#$%&'*+-.^_`|~, a colon right behind it, and a value",
     "RFC 9112, 5.1", "No space goes before the colon.", bad_request},
    {"host_once", "a request of HTTP/1.1 must have exactly one Host", "RFC 9112, 3.2", "Send Host once.", bad_request},
    {"host_value", "Host must be a name or address and perhaps a port", "RFC 9110, 7.2", "Send Host: example.com:8080.",
     bad_request},
    {"length_and_encoding", "a message must not have both Content-Length and Transfer-Encoding", "RFC 9112, 6.3",
     "Send one of them.", bad_request},
    {"content_length", "Content-Length must come once, and be a decimal number below 2^63", "RFC 9112, 6.3",
     "Send it once, digits only.", bad_request},
    {"transfer_encoding", "Transfer-Encoding must come once, be `chunked`, and not in HTTP/1.0", "RFC 9112, 6.1",
     "Send Transfer-Encoding: chunked, or Content-Length.", bad_request},
    {"transfer_coding_known", "the only transfer coding that this side knows is chunked", "RFC 9112, 6.1",
     "Use Content-Encoding for gzip and the like.", not_implemented},
    {"body_size", "a body must not exceed the size that this side accepts", "limits::body", "Send less, or in parts.",
     content_too_large},
    {"chunk_line_size", "the line before a chunk must not exceed the size that this side accepts", "limits::chunk_line",
     "Leave chunk extensions out.", bad_request},
    {"chunk_extensions", "the extensions of all chunks must not exceed the size that this side accepts",
     "limits::chunk_extensions", "Leave chunk extensions out.", bad_request},
    {"chunk_size", "a chunk must begin with its size, 1 to 15 hexadecimal digits, and perhaps `;` and extensions",
     "RFC 9112, 7.1", "No sign, space or 0x goes before the digits.", bad_request},
    {"chunk_end", "CR LF must follow a chunk's octets, as many as its size says", "RFC 9112, 7.1",
     "Count octets, not characters.", bad_request},
    {"trailer_field", "a trailer must not have fields that belong into a head", "RFC 9110, 6.5.1",
     "Send framing, Host and credentials before the body.", bad_request},
    {"cut_off", "a connection must not end within a message", "RFC 9112, 8",
     "What came is not all; ask again if that does no harm.", bad_request},
}};

}  // namespace

const rule_text& describe(rule r) noexcept { return texts[static_cast<std::size_t>(r)]; }

std::string violation::text() const {
  const rule_text& t = describe(broken);
  return fmt::format("HTTP: {} ({}); got {} at octet {}. {}", t.sentence, t.section, value, offset, t.remedy);
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

}  // namespace weir::net::http
