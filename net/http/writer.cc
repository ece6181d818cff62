#include "weir/net/http/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "weir/net/http/violation.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::http {
namespace {

using kind = body_plan::kind;

constexpr const char* call = "http::write_head";

std::string_view name_of_version(version v) noexcept { return v == version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1"; }

void check_fields(const headers& h, site where) {
  for (const char* name : {"Content-Length", "Transfer-Encoding"})
    if (const auto value = h.get(name))
      weir::internal::throw_misuse(call, "the fields must not frame the message", fmt::format("{}: {}", name, *value),
                                   "Erase the field, and give the body_plan.", where);
}

void check_plan(body_plan body, version v, site where) {
  if (body.how() == kind::chunked && v == version::http_1_0)
    weir::internal::throw_misuse(call, "HTTP/1.0 has no chunks", "body_plan::chunked()",
                                 "Give the length, or of a response until_end().", where);
}

void append_fields(std::string& out, const headers& h) {
  for (const field& f : h) out.append(f.name).append(": ").append(f.value).append("\r\n");
}

void append_framing(std::string& out, body_plan body, bool says_empty) {
  if (body.how() == kind::length)
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", body.octets());
  else if (body.how() == kind::chunked)
    out += "Transfer-Encoding: chunked\r\n";
  else if (body.how() == kind::none && says_empty)
    out += "Content-Length: 0\r\n";
}

}  // namespace

void write_head(std::string& out, const request& r, body_plan body, site where) {
  const auto harmless = [](char c) { return c > ' ' && c <= '~'; };
  if (r.target.empty() || !std::all_of(r.target.begin(), r.target.end(), harmless))
    weir::internal::throw_misuse(call, "a target must have no spaces, control characters or what is no ASCII",
                                 printable(r.target), "Encode it by %: \"/a%20b\".", where);
  if (r.version == version::http_1_1 && r.headers.count("Host") != 1)
    weir::internal::throw_misuse(call, "a request of HTTP/1.1 must have exactly one Host",
                                 fmt::format("{} of them", r.headers.count("Host")), "Set it: \"example.com:8080\".",
                                 where);
  if (body.how() == kind::until_end)
    weir::internal::throw_misuse(call, "a request's body must have a length or be chunked", "body_plan::until_end()",
                                 "Use chunked().", where);
  check_plan(body, r.version, where);
  check_fields(r.headers, where);
  const bool could_have_one = r.method == method::post || r.method == method::put || r.method == method::patch;
  out.append(name_of(r.method)).append(" ").append(r.target).append(" ");
  out.append(name_of_version(r.version)).append("\r\n");
  append_fields(out, r.headers);
  append_framing(out, body, could_have_one);
  out += "\r\n";
}

void write_head(std::string& out, const response& r, body_plan body, site where) {
  const unsigned code = code_of(r.status);
  const std::string_view reason = r.reason.empty() ? reason_of(r.status) : std::string_view(r.reason);
  if (code < 100 || code > 999)
    weir::internal::throw_misuse(call, "a status must have three digits", std::to_string(code), "200 is the usual one.",
                                 where);
  if (!is_field_value(reason))
    weir::internal::throw_misuse(call, "a reason must have no control characters", printable(reason), "Leave it empty.",
                                 where);
  const bool none = has_no_body(r.status);
  if (none && body.how() != kind::none && !(r.status == status::not_modified && body.how() == kind::length))
    weir::internal::throw_misuse(call, "a response with this status has no body", std::to_string(code),
                                 "Use body_plan::none().", where);
  check_plan(body, r.version, where);
  check_fields(r.headers, where);
  fmt::format_to(std::back_inserter(out), "{} {} {}\r\n", name_of_version(r.version), code, reason);
  append_fields(out, r.headers);
  append_framing(out, body, !none);
  if (body.how() == kind::until_end && !r.headers.has_token("Connection", "close")) out += "Connection: close\r\n";
  out += "\r\n";
}

void write_chunk_line(std::string& out, std::uint64_t octets) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", octets);
}

void write_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  write_chunk_line(out, piece.size());
  out.append(piece).append("\r\n");
}

void write_last_chunk(std::string& out, const headers& trailers) {
  out += "0\r\n";
  append_fields(out, trailers);
  out += "\r\n";
}

void write_message(std::string& out, const request& r, site where) {
  write_head(out, r, r.body.empty() ? body_plan::none() : body_plan::length(r.body.size()), where);
  out += r.body;
}

void write_message(std::string& out, const response& r, site where) {
  if (has_no_body(r.status) && !r.body.empty())
    weir::internal::throw_misuse("http::write_message", "a response with this status has no body",
                                 std::to_string(code_of(r.status)), "Leave it empty.", where);
  write_head(out, r, r.body.empty() ? body_plan::none() : body_plan::length(r.body.size()), where);
  out += r.body;
}

}  // namespace weir::net::http
