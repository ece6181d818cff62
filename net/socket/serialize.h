// weir::net::serialize<T>: how an item of a pipeline becomes a message, and a message an item.
//   serialize<T>::pack(item)        message
//   serialize<T>::unpack(message)   T; throws for a message that is none: bad_message, or what it likes
//
// Thread-safety: pure functions.
//
// There is one for message itself, std::string (a frame of its bytes), and numbers (a frame of their octets, the lowest
// first, as Python's struct.pack("<i", n)). For a type of yours specialise it:
//
//   template <>
//   struct weir::net::serialize<order> {
//     static message pack(const order& o) { return message::of(o.name, std::to_string(o.count)); }
//     static order unpack(const message& m) {
//       if (m.size() != 2) throw bad_message(m, "an order is two frames, name and count", "Send both.");
//       return {std::string(m[0].text()), std::stoi(std::string(m[1].text()))};
//     }
//   };
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/message.h"

namespace weir::net {

// What came is no item: "a number of 4 octets is one frame of 4; got 2 frames, of 1 and 300 octets, the first "x". ..."
class bad_message : public std::runtime_error {
 public:
  // `rule`: what it should be; `remedy`: a sentence.
  bad_message(const message& got, std::string_view rule, std::string_view remedy);
};

template <class T>
struct serialize;

namespace internal {

template <class T>
concept number = (std::integral<T> && !std::same_as<T, bool>) || std::same_as<T, float> || std::same_as<T, double>;

[[noreturn]] void throw_no_text(const message& got);
[[noreturn]] void throw_no_number(const message& got, std::size_t octets);

// `From` is T, or what has to stay as it is.
template <class T, class From = T>
concept packs = requires(From item) {
  { serialize<T>::pack(std::forward<From>(item)) } -> std::same_as<message>;
};
template <class T>
concept unpacks = requires(const message& m) {
  { serialize<T>::unpack(m) } -> std::same_as<T>;
};

}  // namespace internal

template <>
struct serialize<message> {
  static message pack(message&& m) noexcept { return std::move(m); }
  static message pack(const message& m) { return m.copy(); }
  static message unpack(const message& m) { return m.copy(); }
};

template <>
struct serialize<std::string> {
  static message pack(std::string&& text) { return message(std::move(text)); }
  static message pack(const std::string& text) { return message(text); }
  static std::string unpack(const message& m) {
    if (m.size() != 1) internal::throw_no_text(m);
    return std::string(m.text());
  }
};

template <internal::number T>
struct serialize<T> {
  static message pack(T n) {
    auto octets = std::bit_cast<std::array<std::byte, sizeof(T)>>(n);
    if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(octets);
    return message(std::span<const std::byte>(octets));
  }
  static T unpack(const message& m) {
    std::array<std::byte, sizeof(T)> octets;
    if (m.size() != 1 || m.front().size() != octets.size()) internal::throw_no_number(m, octets.size());
    std::ranges::copy(m.front().bytes(), octets.begin());
    if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(octets);
    return std::bit_cast<T>(octets);
  }
};

}  // namespace weir::net
