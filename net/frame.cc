#include "weir/net/frame.h"

#include <new>

namespace weir::net {
namespace {

struct text_block : internal::frame_block {
  explicit text_block(std::string&& t) : text(std::move(t)) {}
  std::string text;
};

}  // namespace

frame::frame(copied, const_buffer bytes) : frame(of_size(bytes.size())) {
  if (bytes.size() != 0) std::memcpy(const_cast<std::byte*>(data()), bytes.data(), bytes.size());
}

frame::frame(std::string&& text) {
  if (text.size() <= inline_capacity) {
    std::memcpy(raw_, text.data(), text.size());
    set_kind(static_cast<std::uint8_t>(text.size()));
    return;
  }
  auto* block = new text_block(std::move(text));
  block->destroy = [](internal::frame_block* b) noexcept { delete static_cast<text_block*>(b); };
  ::new (this) frame(adopted{}, block, reinterpret_cast<const std::byte*>(block->text.data()), block->text.size());
}

frame frame::of_size(std::size_t size) {
  if (size <= inline_capacity) {
    frame f;
    f.set_kind(static_cast<std::uint8_t>(size));
    return f;
  }
  internal::frame_block* const block = internal::new_block(size);
  if (block == nullptr) throw std::bad_alloc();
  return {adopted{}, block, block->bytes(), size};
}

frame frame::copy() const noexcept {
  frame f;
  std::memcpy(f.raw_, raw_, sizeof raw_);
  if (!is_inline()) outside().block->references.fetch_add(1, std::memory_order_relaxed);
  return f;
}

void frame::compact() {
  // Acquire pairs with release(): who was the last to share the bytes has done with them.
  if (is_inline()) return;
  const internal::frame_block& block = *outside().block;
  if (!block.sliced && block.references.load(std::memory_order_acquire) == 1) return;
  *this = frame(copied(), bytes());
}

std::span<std::byte> frame::writable() {
  // Acquire as in compact(). Nobody else has bytes of a block that has one reference, be it sliced or not.
  if (!is_inline() && outside().block->references.load(std::memory_order_acquire) != 1)
    *this = frame(copied(), bytes());
  return {const_cast<std::byte*>(data()), size()};
}

}  // namespace weir::net
