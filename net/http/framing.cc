// What heads mean for what follows them: whose body it is, how long, and what must not be left to interpretation.
#include <algorithm>
#include <array>
#include <string>

#include "weir/net/http/internal/head_parser.h"
#include "weir/net/http/reader.h"

namespace weir::net::http {
namespace {

bool all_in(std::string_view text, std::string_view others) noexcept {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

bool is_authority(std::string_view text) noexcept { return all_in(text, "-._~%!$&'()*+;=:[]"); }

bool is_target(method m, std::string_view target) noexcept {
  const bool visible =
      std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c <= '~' && c != '#'; });
  if (!visible || target.empty()) return false;
  if (m == method::connect) return is_authority(target) && target.find(':') != std::string_view::npos;
  if (target == "*") return m == method::options;
  if (target.starts_with('/')) return true;
  const std::size_t scheme = target.find("://");
  const std::string_view name = target.substr(0, scheme == std::string_view::npos ? 0 : scheme);
  if (!equal_names(name, "http") && !equal_names(name, "https")) return false;
  const std::string_view rest = target.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  return !authority.empty() && is_authority(authority);
}

}  // namespace

bool message_reader::frame(std::string_view text, const http::headers& fields, version spoken, bool response) {
  const auto refuse_field = [&](rule r, std::string_view name, std::size_t nth) {
    const std::size_t at = internal::line_of(text, name, nth);
    const std::string_view line = text.substr(at);
    return fail(r, printable(line.substr(0, line.find("\r\n"))), offset_ + at);
  };
  const std::size_t lengths = fields.count("Content-Length"), encodings = fields.count("Transfer-Encoding");
  if (lengths > 0 && encodings > 0) return refuse_field(rule::length_and_encoding, "Transfer-Encoding", 0);
  if (lengths > 1) return refuse_field(rule::content_length, "Content-Length", 1);
  if (encodings > 1) return refuse_field(rule::transfer_encoding, "Transfer-Encoding", 1);
  if (encodings == 1) {
    const std::string_view value = *fields.get("Transfer-Encoding");
    if (spoken == version::http_1_0) return refuse_field(rule::transfer_encoding, "Transfer-Encoding", 0);
    if (!equal_names(value, "chunked")) {
      const bool other = is_token(value) && !equal_names(value, "identity");
      return refuse_field(other ? rule::transfer_coding_known : rule::transfer_encoding, "Transfer-Encoding", 0);
    }
    body_ = body_kind::chunked;
    return true;
  }
  if (lengths == 1) {
    const std::string_view digits = *fields.get("Content-Length");
    if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string_view::npos)
      return refuse_field(rule::content_length, "Content-Length", 0);
    remaining_ = std::stoull(std::string(digits));
    body_ = body_kind::length;
    return true;
  }
  body_ = response ? body_kind::until_end : body_kind::none;
  return true;
}

bool message_reader::within_limit(std::string_view text) {
  if (body_ != body_kind::length || remaining_ <= most_.body) return true;
  return fail(rule::body_size, std::to_string(remaining_) + " octets",
              offset_ + internal::line_of(text, "Content-Length", 0));
}

bool message_reader::read_trailer(std::string_view text) {
  if (!internal::parse_trailer(text, offset_, trailers_, failure_)) return false;
  for (const std::string_view name : {"Content-Length", "Transfer-Encoding", "Host", "Trailer", "Content-Encoding",
                                      "Content-Type", "Content-Range", "Authorization", "Set-Cookie", "Connection"})
    if (trailers_.contains(name)) return fail(rule::trailer_field, printable(name), offset_);
  return true;
}

bool request_reader::read_head(std::string_view text) {
  if (!internal::parse_head(text, offset_, head_, failure_)) return false;
  if (!is_target(head_.method, head_.target))
    return fail(rule::target_form, printable(head_.target), offset_ + name_of(head_.method).size() + 1);
  const std::size_t hosts = head_.headers.count("Host");
  if (hosts > 1 || (hosts == 0 && head_.version == version::http_1_1))
    return fail(rule::host_once, std::to_string(hosts) + " of them", offset_ + internal::line_of(text, "Host", 1));
  if (hosts == 1 && !is_authority(*head_.headers.get("Host")))
    return fail(rule::host_value, printable(*head_.headers.get("Host")), offset_ + internal::line_of(text, "Host", 0));
  if (!frame(text, head_.headers, head_.version, false)) return false;
  const auto expected = head_.headers.get("Expect");
  expects_continue_ = head_.version == version::http_1_1 && expected && equal_names(*expected, "100-continue");
  return within_limit(text);
}

bool response_reader::read_head(std::string_view text) {
  if (!internal::parse_head(text, offset_, head_, failure_)) return false;
  if (!frame(text, head_.headers, head_.version, true)) return false;
  const bool tunnel = asked_ == method::connect && is_success(head_.status);
  if (has_no_body(head_.status) || asked_ == method::head || tunnel) no_body();
  if (head_.status == status::switching_protocols || tunnel) last_message();
  return within_limit(text);
}

}  // namespace weir::net::http
