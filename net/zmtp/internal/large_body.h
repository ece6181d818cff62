// weir::net::zmtp::internal::large_body: the bytes of one long frame, received straight to where they stay.
//
// Thread-safety: one thread at a time.
//
// The memory grows with what has come, never with what the peer says is to come: at most `first`, and from then on
// twice what is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "weir/net/buffer.h"
#include "weir/net/frame.h"

namespace weir::net::zmtp::internal {

class large_body {
 public:
  static constexpr std::size_t first = 256 * 1024;

  large_body() = default;
  large_body(const large_body&) = delete;
  ~large_body() { reset(); }

  bool active() const noexcept { return size_ != 0; }
  void begin(std::size_t size, unsigned flags) noexcept { size_ = size, flags_ = flags; }  // REQUIRES: size > 0
  unsigned flags() const noexcept { return flags_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t missing() const noexcept { return size_ - have_; }

  // Where the next bytes go, at most those that are missing. Empty: there is no memory.
  mutable_buffer room() noexcept;
  void filled(std::size_t n) noexcept { have_ += n; }

  // REQUIRES: missing() == 0
  frame finish() noexcept;
  void reset() noexcept;

 private:
  net::internal::frame_block* block_ = nullptr;  // with capacity_ bytes
  std::size_t size_ = 0, have_ = 0, capacity_ = 0;
  unsigned flags_ = 0;
};

}  // namespace weir::net::zmtp::internal
