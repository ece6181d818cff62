// weir::net::zmtp::frame_header: the flags and the size before each frame's body.
//   read_header, write_header
//
// Thread-safety: values. Origin: RFC 37, Framing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "weir/net/zmtp/limits.h"
#include "weir/net/zmtp/violation.h"

namespace weir::net::zmtp {

inline constexpr unsigned flag_more = 1, flag_long = 2, flag_command = 4, flags_reserved = 0xF8;
inline constexpr std::size_t short_header = 2, long_header = 9;

struct frame_header {
  std::uint64_t size = 0;      // of the body
  std::uint8_t length = 0;     // of the header; 0: more bytes are needed to know it
  std::uint8_t flags = 0;      // without those that are ignored
  bool ignored_flags = false;  // there were some
};

// Reads the header at `at`, of which `have` octets are there. False: `failure` says why; its offset is relative to
// `at`. Of the limits only `reserved_flags_ignored` is looked at.
inline bool read_header(const std::byte* at, std::size_t have, const limits& most, frame_header& into,
                        violation& failure) {
  into = {};
  if (have == 0) return true;
  unsigned flags = static_cast<unsigned>(*at);
  if (flags & flags_reserved) {
    if (!most.reserved_flags_ignored) {
      failure = {rule::flags_reserved, hex(flags), 0};
      return false;
    }
    into.ignored_flags = true;
    flags &= ~flags_reserved;
  }
  if ((flags & flag_command) && (flags & flag_more)) {
    failure = {rule::command_is_one_frame, hex(flags), 0};
    return false;
  }
  into.flags = static_cast<std::uint8_t>(flags);
  if (!(flags & flag_long)) {
    if (have < short_header) return true;
    into.size = static_cast<std::uint8_t>(at[1]);
    into.length = short_header;
    return true;
  }
  if (have < long_header) return true;
  std::uint64_t size = 0;
  std::memcpy(&size, at + 1, 8);
  if constexpr (std::endian::native == std::endian::little) size = __builtin_bswap64(size);
  if (size >> 63) {
    failure = {rule::size_63_bits, std::to_string(size), 1};
    return false;
  }
  into.size = size;
  into.length = long_header;
  return true;
}

// Writes the header of a frame of `size` octets, and returns how long it is: the long form only above 255.
// REQUIRES: room for long_header octets.
inline std::size_t write_header(std::byte* at, unsigned flags, std::uint64_t size) noexcept {
  if (size <= 255) {
    at[0] = static_cast<std::byte>(flags);
    at[1] = static_cast<std::byte>(size);
    return short_header;
  }
  at[0] = static_cast<std::byte>(flags | flag_long);
  if constexpr (std::endian::native == std::endian::little) size = __builtin_bswap64(size);
  std::memcpy(at + 1, &size, 8);
  return long_header;
}

}  // namespace weir::net::zmtp
