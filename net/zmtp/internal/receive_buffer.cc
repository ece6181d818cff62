#include "weir/net/zmtp/internal/receive_buffer.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "weir/net/internal/frame_block.h"

namespace weir::net::zmtp::internal {

using net::internal::frame_block;

// Acquire pairs with frame_block::release: who had the last frame has read it.
bool receive_buffer::shared() const noexcept {
  return chunk_->references.load(std::memory_order_acquire) != bias_ - handed_out_;
}

void receive_buffer::give_up() noexcept {
  if (chunk_) chunk_->release(bias_ - handed_out_);
  chunk_ = nullptr;
}

void receive_buffer::reset() noexcept {
  give_up();
  begin_ = at_ = end_ = limit_ = nullptr;
  handed_out_ = 0, filled_up_ = false;
}

// All references of the frames that have gone. REQUIRES: !shared()
void receive_buffer::take_back() noexcept {
  if (std::exchange(handed_out_, 0) != 0) chunk_->references.store(bias_, std::memory_order_relaxed);  // nobody else
}

// A new chunk, with the bytes that are there at its front.
void receive_buffer::replace(std::size_t capacity) {
  frame_block* const block = net::internal::new_block(capacity + frame::inline_capacity);
  if (block == nullptr) throw std::bad_alloc();
  block->sliced = true;
  block->references.store(bias_, std::memory_order_relaxed);  // nobody else knows it yet
  std::byte* const bytes = block->bytes();
  const std::size_t have = size();
  if (have != 0) std::memcpy(bytes, at_, have);
  give_up();
  chunk_ = block, handed_out_ = 0;
  begin_ = at_ = bytes, end_ = bytes + have, limit_ = bytes + capacity;
}

mutable_buffer receive_buffer::room(std::size_t need, std::size_t most) {
  const std::size_t have = size();
  const auto capacity = static_cast<std::size_t>(limit_ - begin_);
  // As long as reads fill the chunk there is more to come than it can hold.
  std::size_t wanted = std::max({capacity, smallest, need});
  if (std::exchange(filled_up_, false)) wanted = std::max(wanted, std::min(capacity * 2, largest));
  if (wanted > capacity) {
    replace(wanted);
  } else if (have == 0 && !shared()) {
    take_back();
    at_ = end_ = begin_;
  } else if (at_ != begin_ && static_cast<std::size_t>(limit_ - at_) < std::max(need, have + worth_a_read)) {
    if (shared()) {
      replace(wanted);
    } else {
      take_back();
      std::memmove(begin_, at_, have);
      at_ = begin_, end_ = begin_ + have;
    }
  }
  const auto free = static_cast<std::size_t>(limit_ - end_);
  return {end_, std::min(free, std::max(most, need > have ? need - have : 0))};
}

}  // namespace weir::net::zmtp::internal
