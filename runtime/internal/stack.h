// Stacks for actors: mapped with a guard page below, kept for reuse, the hottest first.
//
// Thread-safety: stack_pool: all of it. A stack_block: whoever holds it.
//
// A block is one mapping: [guard page | stack .... top]. The control block of its actor sits at the top end, so a small
// parked actor touches one page. The pool belongs to a runtime but lives on until its last block is back, because a
// handle to an ended actor may outlive the runtime.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

struct stack_block {
  char* mapping = nullptr;  // begins with the guard
  std::size_t mapped = 0;   // bytes, guard included
  std::size_t usable = 0;   // bytes above the guard
  std::size_t size_class = 0;
  class stack_pool* pool = nullptr;  // where it came from and goes back to
  stack_block* next = nullptr;       // in that pool
  stack_annotation annotation;

  char* bottom() const noexcept { return mapping + (mapped - usable); }
  char* top() const noexcept { return mapping + mapped; }
};

class stack_pool {
 public:
  static constexpr std::size_t least = std::size_t{16} << 10, most = std::size_t{64} << 20;
  static constexpr std::size_t usual = std::size_t{256} << 10;

  // `companion` lives as long as the pool.
  explicit stack_pool(std::shared_ptr<const void> companion = {}) noexcept : companion_(std::move(companion)) {}
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  // The runtime ends: nothing will be taken any more. Deletes the pool, now or when the last block is given back.
  void retire() noexcept;

  // A block with at least `size` usable bytes (times stack_scale under sanitizers), from the pool or newly mapped.
  // REQUIRES: least <= size <= most. Throws no_memory.
  stack_block* take(std::size_t size);
  // The stack is free: nobody runs on it or points into it.
  void give(stack_block* block) noexcept;

 private:
  ~stack_pool();

  static constexpr std::size_t classes = 13;            // 16 KiB * 2^n
  static constexpr std::size_t kept_per_class = 16384;  // free blocks beyond that are unmapped

  struct shelf {
    stack_block* top = nullptr;
    std::size_t count = 0;
  };

  const std::shared_ptr<const void> companion_;
  small_lock lock_;
  std::array<shelf, classes> shelves_;  // guarded by lock_, as are:
  std::size_t taken_ = 0;               // blocks that are out
  bool retired_ = false;
};

}  // namespace weir::internal
