// Numbers in network byte order, and letters, of bytes that are there.
//
// Thread-safety: functions of their arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::net::zmtp {

// REQUIRES: at < bytes.size(), or at + octets <= bytes.size().
constexpr std::size_t octet_at(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(bytes[at]);
}
constexpr std::uint64_t big_endian_at(std::string_view bytes, std::size_t at, std::size_t octets) noexcept {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < octets; ++i) n = n << 8 | octet_at(bytes, at + i);
  return n;
}

inline void append_big_endian(std::string& out, std::uint64_t n, int octets) {
  for (int i = octets - 1; i >= 0; --i) out += static_cast<char>(n >> (8 * i));
}

constexpr bool is_letter(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace weir::net::zmtp
