// Bytes whose value follows from where in which stream they stand, so that one that is lost, doubled or belongs to
// another stream is seen.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace testing {

// The bytes come in words of eight, the low one first: made one by one they would be what most tests of streams do.
static_assert(std::endian::native == std::endian::little);

inline std::uint64_t word_at(std::uint64_t id, std::uint64_t number) noexcept {
  std::uint64_t x = id * 0x9e3779b97f4a7c15U + number;
  x ^= x >> 31;
  x *= 0xbf58476d1ce4e5b9U;
  x ^= x >> 29;
  return x;
}

// The byte at `place` of the stream `id`.
inline char byte_at(std::uint64_t id, std::uint64_t place) noexcept {
  return static_cast<char>(word_at(id, place / 8) >> (place % 8 * 8));
}

// Calls with the next bytes from `from` on, up to eight at once, and their place in the `count`; false ends it.
template <class Visit>
bool for_each_part(std::uint64_t id, std::uint64_t from, std::size_t count, Visit visit) {
  for (std::size_t i = 0; i < count;) {
    const std::uint64_t place = from + i, word = word_at(id, place / 8) >> (place % 8 * 8);
    const std::size_t bytes = std::min<std::size_t>(8 - place % 8, count - i);
    if (!visit(i, &word, bytes)) return false;
    i += bytes;
  }
  return true;
}

inline void fill(std::span<char> into, std::uint64_t id, std::uint64_t from) noexcept {
  for_each_part(id, from, into.size(), [&](std::size_t at, const void* part, std::size_t bytes) {
    std::memcpy(into.data() + at, part, bytes);
    return true;
  });
}
inline std::string bytes_of(std::uint64_t id, std::uint64_t from, std::size_t count) {
  std::string made(count, '\0');
  fill(made, id, from);
  return made;
}
inline bool are_bytes_of(std::string_view got, std::uint64_t id, std::uint64_t from) noexcept {
  return for_each_part(id, from, got.size(), [&](std::size_t at, const void* part, std::size_t bytes) {
    return std::memcmp(got.data() + at, part, bytes) == 0;
  });
}

}  // namespace testing
