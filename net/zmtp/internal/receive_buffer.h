// weir::net::zmtp::internal::receive_buffer: bytes that were received and not decoded yet, and frames that share them.
//
// Thread-safety: one thread at a time; the frames that it gives out go anywhere.
//
// The bytes stand in one chunk. A frame too long for its own inline bytes refers to the chunk, which then is not
// written over: once it is full, and somebody still has such a frame, a new one is made. So there is no allocation per
// message, and none at all while frames are short or do not live long.
//
// Invariants:
// 1. A chunk's reference count is `bias` minus the frames that have gone, while this buffer has it: giving out a frame
//    costs no atomic operation. Giving up the chunk takes off what was held back, bias - handed_out_.
// 2. So nobody else has a frame of it if and only if the count is bias - handed_out_.
// 3. handed_out_ < bias, as a chunk is begun anew with all references back: however long it lives, it holds no more
//    frames at a time than fit into it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/net/buffer.h"
#include "weir/net/frame.h"

namespace weir::net::zmtp::internal {

class receive_buffer {
 public:
  static constexpr std::size_t smallest = 4 * 1024, largest = 64 * 1024;  // chunks, unless a frame needs more
  static constexpr std::size_t worth_a_read = 4 * 1024;

  // `bias`: more than frames fit into a chunk.
  explicit receive_buffer(std::uint32_t bias = 1u << 30) noexcept : bias_(bias) {}
  receive_buffer(const receive_buffer&) = delete;
  ~receive_buffer() { give_up(); }
  // Forgets the bytes, and frees their memory unless frames have some of it.
  void reset() noexcept;

  const std::byte* data() const noexcept { return at_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  // REQUIRES: n <= size()
  void drop_front(std::size_t n) noexcept { at_ += n; }

  // Room behind the bytes that are there, so that in all `need` fit; at most `most` unless more is needed. Throws
  // std::bad_alloc.
  mutable_buffer room(std::size_t need, std::size_t most = largest);
  // The first `n` of that are there now.
  void filled(std::size_t n) noexcept {
    filled_up_ = end_ + n == limit_;
    end_ += n;
  }

  // `n` bytes at `at`, within data(). Does not allocate.
  frame take(const std::byte* at, std::size_t n) noexcept {
    if (n <= frame::inline_capacity) return {frame::padded(), at, n};  // the chunk is longer by that much
    ++handed_out_;
    return {frame::adopted(), chunk_, at, n};
  }

 private:
  bool shared() const noexcept;
  void replace(std::size_t capacity);
  void give_up() noexcept;
  void take_back() noexcept;

  std::uint32_t bias_;
  net::internal::frame_block* chunk_ = nullptr;
  std::byte* begin_ = nullptr;                                   // of the chunk's bytes
  std::byte *at_ = nullptr, *end_ = nullptr, *limit_ = nullptr;  // [at_, end_): not decoded; [end_, limit_): free
  std::uint32_t handed_out_ = 0;                                 // frames of this chunk since it was begun
  bool filled_up_ = false;                                       // the last read took all the room there was
};

}  // namespace weir::net::zmtp::internal
