// Bytes whose value follows from where in which stream they stand, so that one that is lost, doubled or belongs to
// another stream is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace testing {

// The byte at `place` of the stream `id`.
inline char byte_at(std::uint64_t id, std::uint64_t place) noexcept {
  std::uint64_t x = id * 0x9e3779b97f4a7c15U + place / 8;
  x ^= x >> 31;
  x *= 0xbf58476d1ce4e5b9U;
  x ^= x >> 29;
  return static_cast<char>(x >> (place % 8 * 8));
}

inline void fill(std::span<char> into, std::uint64_t id, std::uint64_t from) noexcept {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = byte_at(id, from + i);
}
inline std::string bytes_of(std::uint64_t id, std::uint64_t from, std::size_t count) {
  std::string made(count, '\0');
  fill(made, id, from);
  return made;
}
inline bool are_bytes_of(std::string_view got, std::uint64_t id, std::uint64_t from) noexcept {
  for (std::size_t i = 0; i < got.size(); ++i)
    if (got[i] != byte_at(id, from + i)) return false;
  return true;
}

}  // namespace testing
