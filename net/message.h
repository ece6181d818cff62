// weir::net::message: what a message socket sends and receives as one: frames, none or all of them.
//   message("text"), message(frame)    one frame
//   message::of(id, "", body)          several
//   m[0], m.front(), m.back()          for (frame& f : m)
//   push_back, push_front, pop_front   frame by frame
//   take_front, prepend                envelopes
//   copy()                             another message of the same bytes, which are not copied if they are many
//
// Thread-safety: a value.
//
// One frame stands in the message itself, so that a short message allocates nothing. Not copyable by accident.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/frame.h"

namespace weir::net {

class message {
 public:
  message() noexcept {}                                                 // no frames
  message(frame only) noexcept : first_(std::move(only)), count_(1) {}  // NOLINT
  template <internal::frame_source T>
  message(const T& bytes) : first_(bytes), count_(1) {}                // NOLINT: as frame(bytes)
  message(std::string&& text) : first_(std::move(text)), count_(1) {}  // NOLINT
  template <std::size_t n>
  message(char (&array)[n]) = delete;

  // A frame of each part, in order. Allocates for the second and further ones.
  template <class... Parts>
  static message of(Parts&&... parts) {
    message m;
    m.reserve(sizeof...(parts));
    (m.push_back(frame(std::forward<Parts>(parts))), ...);
    return m;
  }

  message(message&& other) noexcept
      : first_(std::move(other.first_)),
        rest_(std::exchange(other.rest_, nullptr)),
        count_(std::exchange(other.count_, 0)),
        capacity_(std::exchange(other.capacity_, 0)),
        spare_(std::exchange(other.spare_, 0)) {}
  message& operator=(message&& other) noexcept {
    if (this != &other) {
      if (rest_) free_rest();
      first_ = std::move(other.first_);
      rest_ = std::exchange(other.rest_, nullptr);
      count_ = std::exchange(other.count_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
      spare_ = std::exchange(other.spare_, 0);
    }
    return *this;
  }
  template <std::same_as<frame> F>  // nothing that converts to one: that may be a message as well
  message& operator=(F&& only) noexcept {
    frame f = std::move(only);  // it may be one of ours
    if (rest_) free_rest();
    first_ = std::move(f);
    count_ = 1;
    return *this;
  }
  ~message() {
    if (rest_) free_rest();
  }

  message copy() const;

  std::size_t size() const noexcept { return count_; }  // frames
  bool empty() const noexcept { return count_ == 0; }   // no frame; one frame without bytes is not empty
  std::size_t bytes() const noexcept {                  // of all frames
    return rest_ == nullptr ? first_.size() : first_.size() + bytes_of_rest();
  }
  // Octets of memory, for bounds of what waits: the frames, and their bytes as if nobody shared them.
  std::size_t footprint() const noexcept {
    const std::size_t first = sizeof *this - sizeof first_ + first_.footprint();
    return rest_ == nullptr ? first : first + footprint_of_rest();
  }

  // REQUIRES: i < size(), or not empty().
  frame& operator[](std::size_t i) noexcept { return i == 0 ? first_ : rest_[i - 1]; }
  const frame& operator[](std::size_t i) const noexcept { return i == 0 ? first_ : rest_[i - 1]; }
  frame& front() noexcept { return first_; }
  const frame& front() const noexcept { return first_; }
  frame& back() noexcept { return (*this)[count_ - 1]; }
  const frame& back() const noexcept { return (*this)[count_ - 1]; }
  // The last frame's bytes: the payload of a message of one frame, and of one behind an envelope.
  std::string_view text() const noexcept { return count_ == 0 ? std::string_view() : back().text(); }

  // Each costs the same however many frames there are, over all calls.
  void push_back(frame f);
  void push_front(frame f);
  frame pop_front() noexcept;  // REQUIRES: not empty()
  // The first `n` frames, which go. REQUIRES: n <= size()
  message take_front(std::size_t n);
  // Puts the frames of `envelope` before those that are here.
  void prepend(message&& envelope);
  void clear() noexcept { *this = message(); }
  // Room for `frames` in all, at the back, without a further allocation.
  void reserve(std::size_t frames);

  template <class M, class F>
  class iterator_of {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = frame;
    using difference_type = std::ptrdiff_t;
    using pointer = F*;
    using reference = F&;
    iterator_of() = default;
    iterator_of(M* of, std::size_t at) noexcept : of_(of), at_(at) {}
    F& operator*() const noexcept { return (*of_)[at_]; }
    F* operator->() const noexcept { return &(*of_)[at_]; }
    iterator_of& operator++() noexcept { return ++at_, *this; }
    iterator_of operator++(int) noexcept { return {of_, at_++}; }
    friend bool operator==(iterator_of, iterator_of) noexcept = default;

   private:
    M* of_ = nullptr;
    std::size_t at_ = 0;
  };
  using iterator = iterator_of<message, frame>;
  using const_iterator = iterator_of<const message, const frame>;
  iterator begin() noexcept { return {this, 0}; }
  iterator end() noexcept { return {this, count_}; }
  const_iterator begin() const noexcept { return {this, 0}; }
  const_iterator end() const noexcept { return {this, count_}; }

  friend bool operator==(const message& a, const message& b) noexcept;

 private:
  void free_rest() noexcept;
  std::size_t bytes_of_rest() const noexcept;
  std::size_t footprint_of_rest() const noexcept;
  std::size_t behind_first() const noexcept { return count_ == 0 ? 0 : count_ - std::size_t{1}; }
  void reserve_front(std::size_t frames);
  void move_rest(frame* to) noexcept;

  frame first_;
  // The second frame and those behind it; capacity_ frames are constructed from here on, and spare_ before it.
  frame* rest_ = nullptr;
  std::uint32_t count_ = 0, capacity_ = 0, spare_ = 0;
};

}  // namespace weir::net
