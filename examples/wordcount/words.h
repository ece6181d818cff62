// What a word is: the longest run of letters, digits, apostrophes and bytes from 0x80 on; ASCII letters count as lower
// case.
//
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wordcount {

inline constexpr std::array<bool, 256> word_bytes = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c)
    table[static_cast<std::size_t>(c)] =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '\'' || c >= 0x80;
  return table;
}();

inline bool is_word_byte(char c) noexcept { return word_bytes[static_cast<unsigned char>(c)]; }

// Bytes behind a text that for_each_word may read and lower_case may overwrite, so that neither has to look for the end
// within eight bytes.
inline constexpr std::size_t text_padding = 8;

// Puts the ASCII letters of the text into lower case, eight bytes at a time. REQUIRES: text_padding.
inline void lower_case(char* text, std::size_t size) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  for (std::size_t at = 0; at < size; at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, text + at, 8);
    // Adding to the lower seven bits of each byte carries into its eighth bit exactly if they reach the bound.
    const std::uint64_t low = eight & each * 0x7f;
    const std::uint64_t from_a = low + each * (0x80 - 'A');
    const std::uint64_t after_z = low + each * (0x80 - 'Z' - 1);
    const std::uint64_t upper = from_a & ~after_z & ~eight & each * 0x80;
    eight |= upper >> 2;  // 0x80 becomes 0x20, the difference between 'A' and 'a'
    std::memcpy(text + at, &eight, 8);
  }
}

// Calls f(const char* word, std::size_t length) for each word. REQUIRES: text_padding, and text[size] is no word byte.
template <class F>
void for_each_word(const char* text, std::size_t size, F&& f) {
  const char* const end = text + size;
  for (const char* at = text;; ++at) {
    while (at < end && !is_word_byte(*at)) ++at;
    if (at >= end) return;
    const char* const word = at;
    do ++at;
    while (is_word_byte(*at));  // text[size] ends the last one
    f(word, static_cast<std::size_t>(at - word));
  }
}

}  // namespace wordcount
