// An actor's stack, and chains of free ones.
//
// Thread-safety: whoever holds it. What says where it lies is immutable while its arena lives.
//
// A slot of an arena is [guard page | stack ... top]. The control block of its actor sits at the top end, so a small
// parked actor touches one page. Nothing about a slot is written into the slot, so that free ones cost no memory.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "weir/runtime/internal/sanitizer.h"

namespace weir::internal {

class stack_arena;
class stack_pool;

std::size_t page_size() noexcept;

// What a spawn may ask for. The classes are 16 KiB, 64 KiB, 256 KiB and so on, so that few lists serve all.
struct stack_size {
  static constexpr std::size_t least = std::size_t{16} << 10, most = std::size_t{64} << 20;
  static constexpr std::size_t usual = std::size_t{256} << 10;

  // REQUIRES: least <= size <= most.
  static constexpr std::size_t class_of(std::size_t size) noexcept {
    return static_cast<std::size_t>(std::bit_width((size - 1) / least) + 1) / 2;
  }
  static constexpr std::size_t of_class(std::size_t size_class) noexcept { return least << 2 * size_class; }
};
inline constexpr std::size_t stack_classes = stack_size::class_of(stack_size::most) + 1;

// How a slot's guard page stops an overflow; from the best down.
enum class stack_guard : std::uint8_t {
  madvise,   // the kernel's guard marker: costs no mapping
  mprotect,  // two mappings, of which a process has 65530
  canary,    // nothing stops it: the page is looked at from time to time, and must still be empty
};

// Where the slots of one arena lie. Immutable. The stride is one page more than the stack, an odd number of pages, so
// that the tops of neighbours fall into different sets of the TLB, and their page table entries into different lines.
struct stack_layout {
  stack_arena* arena = nullptr;
  stack_pool* pool = nullptr;
  char* base = nullptr;
  std::size_t guard = 0;   // bytes
  std::size_t usable = 0;  // bytes
  std::size_t size_class = 0;

  std::size_t stride() const noexcept { return guard + usable; }
};

// One slot. There may be a million: 24 bytes.
struct stack_block {
  const stack_layout* layout = nullptr;
  stack_block* next = nullptr;  // in a chain
  std::uint16_t index = 0;
  stack_guard guard = stack_guard::canary;
  bool annotated = false;
  [[no_unique_address]] stack_annotation annotation;

  char* guard_page() const noexcept { return layout->base + index * layout->stride(); }
  char* bottom() const noexcept { return guard_page() + layout->guard; }
  char* top() const noexcept { return bottom() + layout->usable; }
  std::size_t usable() const noexcept { return layout->usable; }

  // The most that the stack has been used, control block included, in whole pages. Not cleared when another actor gets
  // it, but when its memory went back to the kernel. Costs about a microsecond.
  std::size_t high_water() const noexcept;
  // REQUIRES: guard == canary. Something was written below the stack: looks at the nearest `bytes` of the guard page.
  bool overrun(std::size_t bytes) const noexcept;
};

// The unit in which free stacks change hands, get their guards, and give their memory back.
struct stack_chain {
  static constexpr std::size_t full = 64;

  stack_block* top = nullptr;
  std::size_t count = 0;

  bool empty() const noexcept { return top == nullptr; }
  void push(stack_block* block) noexcept {
    block->next = top;
    top = block;
    ++count;
  }
  // REQUIRES: not empty.
  stack_block* pop() noexcept {
    --count;
    return std::exchange(top, top->next);
  }
};

}  // namespace weir::internal
