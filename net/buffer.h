// Bytes of the caller that a stream reads into or writes from.
//   mutable_buffer   of a span, array, vector or string of char, unsigned char or std::byte
//   const_buffer     the same, or anything that is a std::string_view: a literal counts without its final zero
//
// Thread-safety: a value that refers to the caller's memory, which has to outlive the call it is given to.
#pragma once

#include <cstddef>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>

namespace weir::net {
namespace internal {

template <class T>
concept byte_like = std::is_same_v < std::remove_const_t<T>,
char > || std::is_same_v<std::remove_const_t<T>, std::byte> || std::is_same_v<std::remove_const_t<T>, unsigned char>;

template <class R>
concept byte_range = std::ranges::contiguous_range<R> && std::ranges::sized_range<R> &&
    byte_like<std::remove_reference_t<std::ranges::range_reference_t<R>>>;

}  // namespace internal

class mutable_buffer {
 public:
  constexpr mutable_buffer() noexcept = default;
  constexpr mutable_buffer(void* data, std::size_t size) noexcept : data_(static_cast<std::byte*>(data)), size_(size) {}
  template <internal::byte_range R>
  requires(!std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R>>> &&
           std::ranges::borrowed_range<R> && !std::is_same_v<std::remove_cvref_t<R>, mutable_buffer>)  // NOLINTNEXTLINE
      mutable_buffer(R&& range)
  noexcept : mutable_buffer(std::ranges::data(range), std::ranges::size(range)) {}

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  // Without the first `n`. REQUIRES: n <= size().
  mutable_buffer from(std::size_t n) const noexcept { return {data_ + n, size_ - n}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

class const_buffer {
 public:
  constexpr const_buffer() noexcept = default;
  constexpr const_buffer(const void* data, std::size_t size) noexcept
      : data_(static_cast<const std::byte*>(data)), size_(size) {}
  const_buffer(std::string_view text) noexcept : const_buffer(text.data(), text.size()) {}  // NOLINT
  const_buffer(const std::string& text) noexcept : const_buffer(std::string_view(text)) {}  // NOLINT
  const_buffer(const char* text) noexcept : const_buffer(std::string_view(text)) {}         // NOLINT
  // As much of an array as is meant: const_buffer(array, n), or std::span(array).first(n).
  template <std::size_t n>
  const_buffer(char (&array)[n]) = delete;
  template <internal::byte_range R>
  requires(!std::is_convertible_v<R, std::string_view> && !std::is_array_v<std::remove_cvref_t<R>>)  // NOLINTNEXTLINE
      const_buffer(const R& range)
  noexcept : const_buffer(std::ranges::data(range), std::ranges::size(range)) {}

  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  // Without the first `n`. REQUIRES: n <= size().
  const_buffer from(std::size_t n) const noexcept { return {data_ + n, size_ - n}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace weir::net
