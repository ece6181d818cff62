#include "weir/net/http/internal/head_parser.h"

#define BOOST_BEAST_USE_STD_STRING_VIEW 1
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <string>
#include <utility>

namespace weir::net::http::internal {

// Beast has looked at the name, the reader at the value.
struct unchecked {
  static void add(headers& to, std::string_view name, std::string_view value) {
    to.fields_.push_back({std::string(name), std::string(value)});
  }
};

namespace {

namespace beast = boost::beast;
using beast_error = beast::http::error;

std::string_view view(beast::string_view text) noexcept { return {text.data(), text.size()}; }

// Keeps what Beast calls back with. The error codes that it makes only stop the parser; `broken` says why.
template <bool is_request, class Head>
class collector final : public beast::http::basic_parser<is_request> {
 public:
  collector(Head& into, headers& fields) : into_(into), fields_(fields) {
    this->body_limit(UINT64_MAX);  // boost::none, which should mean that there is none, refuses all
    this->header_limit(UINT32_MAX);
  }

  rule broken = rule::none;

 private:
  using error_code = beast::error_code;

  void stop(rule r, error_code& ec) {
    broken = r;
    ec = beast_error::bad_value;
  }
  static version version_of(int v) noexcept { return v == 10 ? version::http_1_0 : version::http_1_1; }

  void on_request_impl(beast::http::verb, beast::string_view name, beast::string_view target, int spoken,
                       error_code& ec) override {
    if constexpr (is_request) {
      const auto m = method_of(view(name));
      if (!m) return stop(rule::method_known, ec);
      into_.method = *m;
      into_.target = view(target);
      into_.version = version_of(spoken);
    }
  }
  void on_response_impl(int code, beast::string_view reason, int spoken, error_code& ec) override {
    if constexpr (!is_request) {
      if (code < 100 || code > 599) return stop(rule::status_line, ec);
      into_.status = static_cast<status>(code);
      into_.reason = view(reason);
      into_.version = version_of(spoken);
    }
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, error_code& ec) override {
    if (!is_token(view(name))) return stop(rule::field_line, ec);
    unchecked::add(fields_, view(name), trimmed(view(value)));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  Head& into_;
  headers& fields_;
};

rule rule_of(const beast::error_code& ec, bool is_request) noexcept {
  if (ec == beast_error::bad_method) return rule::method_known;
  if (ec == beast_error::bad_target) return rule::target_form;
  if (ec == beast_error::bad_version) return rule::version_known;
  if (ec == beast_error::bad_status || ec == beast_error::bad_reason) return rule::status_line;
  if (ec == beast_error::bad_content_length) return rule::content_length;
  if (ec == beast_error::bad_transfer_encoding) return rule::transfer_encoding;
  if (ec == beast_error::bad_line_ending) return is_request ? rule::version_known : rule::status_line;
  return rule::field_line;
}

std::string_view line_at(std::string_view head, std::size_t at) noexcept {
  const std::string_view rest = head.substr(at);
  return rest.substr(0, rest.find("\r\n"));
}

template <bool is_request, class Head>
bool parse(std::string_view head, std::uint64_t offset, Head& into, headers& fields, violation& failure) {
  fields.clear();
  collector<is_request, Head> parser(into, fields);
  beast::error_code ec;
  const std::size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  // A head that Beast thinks incomplete is one that it reads otherwise than the reader: no message.
  if (!ec && !parser.is_header_done()) ec = beast_error::bad_field;
  if (!ec) return true;
  rule r = parser.broken != rule::none ? parser.broken : rule_of(ec, is_request);
  // Beast consumes line by line, and stops before the one that it does not take.
  std::size_t at = used < head.size() ? used : 0;
  if (r == rule::content_length || r == rule::transfer_encoding) {
    const std::size_t length = line_of(head, "Content-Length", 0), encoding = line_of(head, "Transfer-Encoding", 0);
    if (length != 0 && encoding != 0) r = rule::length_and_encoding, at = std::max(length, encoding);
  }
  failure = {r, printable(line_at(head, at)), offset + at};
  return false;
}

}  // namespace

bool parse_head(std::string_view head, std::uint64_t offset, request& into, violation& failure) {
  return parse<true>(head, offset, into, into.headers, failure);
}

bool parse_head(std::string_view head, std::uint64_t offset, response& into, violation& failure) {
  return parse<false>(head, offset, into, into.headers, failure);
}

bool parse_trailer(std::string_view lines, std::uint64_t offset, headers& into, violation& failure) {
  if (lines == "\r\n") return true;
  constexpr std::string_view first = "GET / HTTP/1.1\r\n";  // Beast reads fields behind a first line only
  request scratch;
  const std::string head = std::string(first).append(lines);
  if (!parse<true>(head, offset, scratch, into, failure)) {
    failure.offset -= std::min<std::uint64_t>(failure.offset - offset, first.size());
    return false;
  }
  return true;
}

std::size_t line_of(std::string_view head, std::string_view name, std::size_t nth) noexcept {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = line_at(head, at);
    if (equal_names(trimmed(line.substr(0, line.find(':'))), name) && nth-- == 0) return at;
  }
  return 0;
}

}  // namespace weir::net::http::internal
