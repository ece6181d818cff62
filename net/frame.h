// weir::net::frame: one part of a message: bytes that nobody changes while several have them.
//   frame("text"), frame(bytes)   copies; frame(std::string&&) takes a long one over
//   frame::of_size                bytes to be filled in by writable()
//   bytes(), text()               a view, valid as long as the frame
//   copy()                        another frame of the same bytes
//
// Thread-safety: a value; several frames may share their bytes across threads, as those are not changed meanwhile.
//
// Up to inline_capacity bytes stand in the frame itself; more are shared, and counted by references, so that moving and
// copying cost the same whatever the size. A frame that a socket received may share the buffer it came in, up to 64
// KiB, with its neighbours, and keeps all of it: whoever keeps few of many for long calls compact().
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/net/buffer.h"
#include "weir/net/internal/frame_block.h"

namespace weir::net {

class frame;
class message;

namespace internal {

template <class T>
concept frame_source = std::is_convertible_v<const T&, const_buffer> && !std::same_as<std::remove_cvref_t<T>, frame> &&
                       !std::same_as<std::remove_cvref_t<T>, message>;

}  // namespace internal

class frame {
 public:
  static constexpr std::size_t inline_capacity = 71;

  frame() noexcept { set_kind(0); }  // no bytes
  template <internal::frame_source T>
  frame(const T& bytes) : frame(copied(), const_buffer(bytes)) {}  // NOLINT: allocates if it does not fit inline
  frame(std::string&& text);                                       // NOLINT: allocates a few bytes if it does not
  // As much of an array as is meant: std::string_view(array, n).
  template <std::size_t n>
  frame(char (&array)[n]) = delete;

  // `size` bytes that are not set yet: see writable().
  static frame of_size(std::size_t size);

  frame(frame&& other) noexcept {
    std::memcpy(raw_, other.raw_, sizeof raw_);
    other.set_kind(0);
  }
  frame& operator=(frame&& other) noexcept {
    if (this != &other) {
      drop();
      std::memcpy(raw_, other.raw_, sizeof raw_);
      other.set_kind(0);
    }
    return *this;
  }
  ~frame() { drop(); }

  // The same bytes: those that are inline copied, others shared. Does not allocate.
  frame copy() const noexcept;
  // Gives the frame memory of its own, as of_size() has it, if it shares some or is part of more. Allocates then.
  void compact();
  // Octets of memory: the frame, and what it shares, or has a part of, as if it was its own. What such memory is
  // rounded up by (internal/frame_block.h) is not counted.
  std::size_t footprint() const noexcept {
    return sizeof(frame) + (is_inline() ? 0 : sizeof(internal::frame_block) + outside().size);
  }

  std::size_t size() const noexcept { return is_inline() ? kind() : outside().size; }
  bool empty() const noexcept { return kind() == 0; }
  const std::byte* data() const noexcept { return is_inline() ? raw_ : outside().data; }
  std::span<const std::byte> bytes() const noexcept { return {data(), size()}; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data()), size()}; }
  bool is_inline() const noexcept { return kind() != shared_kind; }

  // The bytes, to be changed. If others may have them too, the frame takes a copy of its own first, which allocates.
  std::span<std::byte> writable();

  friend bool operator==(const frame& a, const frame& b) noexcept { return a.text() == b.text(); }
  template <class T>
  requires(std::is_convertible_v<const T&, std::string_view> && !std::same_as<T, frame>) friend bool operator==(
      const frame& a, const T& b) noexcept {
    return a.text() == std::string_view(b);
  }

  // For those who make frames of blocks of their own: takes over one reference of `block`.
  struct adopted {};
  frame(adopted, internal::frame_block* block, const std::byte* data, std::size_t size) noexcept {
    const outside_bytes o{data, size, block};
    std::memcpy(raw_, &o, sizeof o);
    set_kind(shared_kind);
  }
  // Copies `size` bytes, at most inline_capacity, of memory that may be read up to inline_capacity.
  struct padded {};
  frame(padded, const std::byte* data, std::size_t size) noexcept {
    std::memcpy(raw_, data, inline_capacity);  // a fixed size: a few moves, where the size would take a call
    set_kind(static_cast<std::uint8_t>(size));
  }
  // data() may be read up to here: for the same purpose on the way out.
  std::size_t readable() const noexcept { return is_inline() ? inline_capacity : outside().size; }

 private:
  struct copied {};
  frame(copied, const_buffer bytes);

  struct outside_bytes {
    const std::byte* data;
    std::size_t size;
    internal::frame_block* block;
  };
  static constexpr std::uint8_t shared_kind = 255;  // else how many bytes are inline

  std::uint8_t kind() const noexcept { return static_cast<std::uint8_t>(raw_[inline_capacity]); }
  void set_kind(std::uint8_t k) noexcept { raw_[inline_capacity] = std::byte{k}; }
  outside_bytes outside() const noexcept {
    outside_bytes o;
    std::memcpy(&o, raw_, sizeof o);
    return o;
  }
  void drop() noexcept {
    if (!is_inline()) outside().block->release();
  }

  // The bytes, or outside_bytes; the last byte is the kind.
  alignas(8) std::byte raw_[inline_capacity + 1];
};

}  // namespace weir::net
