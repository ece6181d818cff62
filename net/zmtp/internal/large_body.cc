#include "weir/net/zmtp/internal/large_body.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace weir::net::zmtp::internal {

using net::internal::frame_block;

mutable_buffer large_body::room() noexcept {
  if (have_ == capacity_) {
    const std::size_t larger = std::min(size_, std::max(first, capacity_ * 2));
    // The kernel moves pages, not bytes, when blocks of this size grow.
    void* memory = std::realloc(memory_, sizeof(frame_block) + larger);
    if (memory == nullptr) return {};
    memory_ = static_cast<std::byte*>(memory);
    capacity_ = larger;
  }
  return {memory_ + sizeof(frame_block) + have_, capacity_ - have_};
}

frame large_body::finish() noexcept {
  auto* block = ::new (static_cast<void*>(memory_)) frame_block;
  block->destroy = [](frame_block* b) noexcept { std::free(b); };
  frame f(frame::adopted(), block, memory_ + sizeof(frame_block), size_);
  memory_ = nullptr;
  reset();
  return f;
}

void large_body::reset() noexcept {
  std::free(std::exchange(memory_, nullptr));
  size_ = have_ = capacity_ = 0;
}

}  // namespace weir::net::zmtp::internal
