#include "weir/net/zmtp/internal/large_body.h"

#include <algorithm>

#include "weir/net/internal/frame_block.h"

namespace weir::net::zmtp::internal {

using net::internal::frame_block;

mutable_buffer large_body::room() noexcept {
  if (have_ == capacity_) {
    const std::size_t larger = std::min(size_, std::max(first, capacity_ * 2));
    frame_block* const grown =
        block_ == nullptr ? net::internal::new_block(larger) : net::internal::grow_block(block_, have_, larger);
    if (grown == nullptr) return {};
    block_ = grown;
    capacity_ = larger;
  }
  return {block_->bytes() + have_, capacity_ - have_};
}

frame large_body::finish() noexcept {
  frame f(frame::adopted(), block_, block_->bytes(), size_);
  block_ = nullptr;
  reset();
  return f;
}

void large_body::reset() noexcept {
  if (block_ != nullptr) block_->release();
  block_ = nullptr;
  size_ = have_ = capacity_ = 0;
}

}  // namespace weir::net::zmtp::internal
