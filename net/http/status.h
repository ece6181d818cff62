// weir::net::http::status: how a request went (RFC 9110, 15; 428, 429, 431: RFC 6585; 308: RFC 7538).
//   reason_of(s)   "Not Found"; empty if it is none of these
//
// Thread-safety: values.
//
// Any number from 100 to 999 may come from a peer: status(299) is a status.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::net::http {

enum class status : std::uint16_t {
  continue_ = 100,
  switching_protocols = 101,
  ok = 200,
  created = 201,
  accepted = 202,
  no_content = 204,
  reset_content = 205,
  partial_content = 206,
  moved_permanently = 301,
  found = 302,
  see_other = 303,
  not_modified = 304,
  temporary_redirect = 307,
  permanent_redirect = 308,
  bad_request = 400,
  unauthorized = 401,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  not_acceptable = 406,
  request_timeout = 408,
  conflict = 409,
  gone = 410,
  length_required = 411,
  precondition_failed = 412,
  content_too_large = 413,
  uri_too_long = 414,
  unsupported_media_type = 415,
  range_not_satisfiable = 416,
  expectation_failed = 417,
  unprocessable_content = 422,
  upgrade_required = 426,
  precondition_required = 428,
  too_many_requests = 429,
  header_fields_too_large = 431,
  internal_server_error = 500,
  not_implemented = 501,
  bad_gateway = 502,
  service_unavailable = 503,
  gateway_timeout = 504,
  version_not_supported = 505,
};

constexpr unsigned code_of(status s) noexcept { return static_cast<unsigned>(s); }
std::string_view reason_of(status s) noexcept;

constexpr bool is_informational(status s) noexcept { return code_of(s) < 200; }
constexpr bool is_success(status s) noexcept { return code_of(s) / 100 == 2; }
constexpr bool is_redirection(status s) noexcept { return code_of(s) / 100 == 3; }
constexpr bool is_client_error(status s) noexcept { return code_of(s) / 100 == 4; }
constexpr bool is_server_error(status s) noexcept { return code_of(s) / 100 == 5; }
// A response with it never has a body, whatever its fields say (RFC 9112, 6.3).
constexpr bool has_no_body(status s) noexcept {
  return is_informational(s) || s == status::no_content || s == status::not_modified;
}

}  // namespace weir::net::http
