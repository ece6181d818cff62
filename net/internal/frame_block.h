// weir::net::internal::frame_block: bytes that frames share, and where their memory comes from.
//   new_block(size)   one with room for `size` octets behind it
//
// Thread-safety: all of it; new_block and its counterpart also in a child of the process, as nobody waits for a lock.
//
// A general allocator gives memory of 16 KiB and more back to the kernel as soon as it lies at the end of what it has,
// and then gets it again, page by page, each cleared: that took a third of the CPU time of messages of 64 KiB. So
// blocks of 16 to 256 KiB are kept for the next ones, in steps of 16 KiB; up to most_kept octets of them, for good.
// What is in the way of others when there is no more room goes back. AddressSanitizer gets each from the allocator.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir::net::internal {

// The bytes stand behind it, or where its owner says.
struct frame_block {
  // How many frames refer to it, and what a receive buffer holds back (zmtp/internal/receive_buffer.h). Up: relaxed, by
  // whoever has a reference already. Down: acq_rel in release(), which pairs with itself, so that the last one to go
  // destroys what nobody else touches any more.
  std::atomic<std::uint32_t> references{1};
  // Frames are slices of it, which keep all of it; else each has all of its bytes. Does not change.
  bool sliced = false;
  std::uint8_t steps = 0;  // new_block: how large it is, if it is kept
  void (*destroy)(frame_block*) noexcept = nullptr;

  std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  void release(std::uint32_t n = 1) noexcept {
    if (references.fetch_sub(n, std::memory_order_acq_rel) == n) destroy(this);
  }
};

// With one reference. Null: there is no memory.
frame_block* new_block(std::size_t size) noexcept;
// The same block with room for more, or the bytes of it moved. Null: there is no memory, and it is as it was.
// REQUIRES: it came from new_block, and nobody else knows it.
frame_block* grow_block(frame_block* block, std::size_t had, std::size_t size) noexcept;

// Octets that are kept now, and how many may be.
std::size_t kept_octets() noexcept;
constexpr std::size_t most_kept = 4 * 1024 * 1024;

}  // namespace weir::net::internal
