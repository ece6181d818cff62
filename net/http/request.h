// weir::net::http::request: a request, with or without its body.
//
// Thread-safety: a value.
#pragma once

#include <string>
#include <string_view>

#include "weir/net/http/headers.h"
#include "weir/net/http/method.h"

namespace weir::net::http {

// HTTP/1.minor.
enum class version : unsigned char { http_1_0, http_1_1 };

struct request {
  http::method method = http::method::get;
  // As it goes over the wire: "/path?query"; of a proxy "http://host/path"; "*"; of CONNECT "host:port".
  std::string target = "/";
  http::version version = http::version::http_1_1;
  http::headers headers = {};
  std::string body = {};  // if it was read, or is to be written, as a whole

  // "/path" and "query" of the target, not decoded; the host of "http://host/path" is no part of it.
  std::string_view path() const noexcept;
  std::string_view query() const noexcept;
  // Whether the connection goes on after this (RFC 9112, 9.3).
  bool keeps_alive() const noexcept;
};

// `%41` is A; a `%` that two hexadecimal digits do not follow stays. Of a query `+` is a space.
std::string percent_decoded(std::string_view text, bool plus_is_space = false);
// The first value of `name` in "a=1&b=2", decoded; `fallback` if there is none.
std::string query_value(std::string_view query, std::string_view name, std::string_view fallback = {});

}  // namespace weir::net::http
