// weir::net::http::method: what a request asks to be done (RFC 9110, 9; PATCH: RFC 5789).
//   name_of(m)       "GET"
//   method_of(text)  empty if it is none of these; case counts
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::net::http {

enum class method : std::uint8_t { get, head, post, put, delete_, connect, options, trace, patch, count_of_methods };

std::string_view name_of(method m) noexcept;
std::optional<method> method_of(std::string_view name) noexcept;

// Doing it again has the same effect as doing it once (RFC 9110, 9.2.2): a client may, if it does not know.
constexpr bool is_idempotent(method m) noexcept {
  return m != method::post && m != method::patch && m != method::connect;
}

}  // namespace weir::net::http
