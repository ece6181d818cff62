#include "weir/runtime/internal/stack.h"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>

#include "weir/runtime/base/errors.h"

namespace weir::internal {
namespace {

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

[[noreturn]] void fail(const char* what, std::size_t size, int error) {
  throw no_memory(fmt::format(
      "spawn: cannot {} a stack of {} KiB: {}. Fewer actors at once (scope_options.limit), a smaller "
      "spawn_options.stack, or a higher vm.max_map_count (each guarded stack takes two mappings) would help.",
      what, size >> 10, std::strerror(error)));
}

stack_block* map_block(std::size_t usable, std::size_t size_class) {
  auto block = std::make_unique<stack_block>();
  block->usable = usable;
  block->mapped = usable + page_size();
  block->size_class = size_class;
  void* const mapping = mmap(nullptr, block->mapped, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED) fail("map", usable, errno);
  block->mapping = static_cast<char*>(mapping);
  if (mprotect(mapping, page_size(), PROT_NONE) != 0) {
    const int error = errno;
    munmap(mapping, block->mapped);
    fail("guard", usable, error);
  }
  block->annotation.stack_mapped(block->bottom(), block->usable);
  return block.release();
}

void unmap_block(stack_block* block) noexcept {
  block->annotation.stack_unmapped(block->bottom(), block->usable);
  munmap(block->mapping, block->mapped);
  delete block;
}

}  // namespace

stack_pool::~stack_pool() {
  for (shelf& s : shelves_)
    while (stack_block* block = s.top) {
      s.top = block->next;
      unmap_block(block);
    }
}

void stack_pool::retire() noexcept {
  lock_.lock();
  retired_ = true;
  const bool last = taken_ == 0;
  lock_.unlock();
  if (last) delete this;
}

stack_block* stack_pool::take(std::size_t size) {
  const std::size_t rounded = std::bit_ceil(size);
  const auto size_class = static_cast<std::size_t>(std::countr_zero(rounded / least));
  {
    std::lock_guard guard(lock_);
    ++taken_;
    shelf& s = shelves_[size_class];
    if (stack_block* block = s.top) {
      s.top = block->next;
      --s.count;
      block->annotation.stack_taken(block->bottom(), block->usable);
      return block;
    }
  }
  try {
    stack_block* const block = map_block(rounded * stack_scale, size_class);
    block->pool = this;
    return block;
  } catch (...) {
    std::lock_guard guard(lock_);
    --taken_;
    throw;
  }
}

void stack_pool::give(stack_block* block) noexcept {
  block->annotation.stack_pooled(block->bottom(), block->usable);
  lock_.lock();
  shelf& s = shelves_[block->size_class];
  const bool keep = s.count < kept_per_class;
  if (keep) {
    block->next = s.top;
    s.top = block;
    ++s.count;
  }
  const bool last = --taken_ == 0 && retired_;
  lock_.unlock();
  if (!keep) unmap_block(block);
  if (last) delete this;
}

}  // namespace weir::internal
