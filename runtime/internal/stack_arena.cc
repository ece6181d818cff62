#include "weir/runtime/internal/stack_arena.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/advice.h"

namespace weir::internal {
namespace {

// Enough for a million stacks in some 250 mappings; small enough that some arenas become clean after a burst.
constexpr std::size_t most_bytes = std::size_t{1} << 30;

[[noreturn]] void fail(std::size_t usable, int error) {
  throw no_memory(fmt::format(
      "spawn: cannot map a stack of {} KiB: {}. Fewer actors at once, a smaller spawn_options.stack, or a higher limit "
      "of address space (ulimit -v) would help.",
      usable >> 10, std::strerror(error)));
}

std::size_t usable_size(std::size_t size_class) noexcept {
  const std::size_t page = page_size(), size = stack_size::of_class(size_class) * stack_scale;
  return (size + page - 1) / page * page;
}

}  // namespace

std::size_t stack_arena::most_slots(std::size_t size_class) noexcept {
  return std::clamp<std::size_t>(most_bytes / (usable_size(size_class) + page_size()), 1, UINT16_MAX);
}

stack_arena::stack_arena(stack_pool& pool, guard_ladder& guards, std::size_t size_class) noexcept : guards_(guards) {
  layout_.arena = this;
  layout_.pool = &pool;
  layout_.guard = page_size();
  layout_.usable = usable_size(size_class);
  layout_.size_class = size_class;
}

std::unique_ptr<stack_arena> stack_arena::reserve(stack_pool& pool, guard_ladder& guards, std::size_t size_class,
                                                  std::size_t slots) {
  try {
    std::unique_ptr<stack_arena> made(new stack_arena(pool, guards, size_class));
    made->map(slots);
    made->blocks_.reserve(made->slots_);
    return made;
  } catch (const no_memory&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(usable_size(size_class), ENOMEM);
  }
}

void stack_arena::map(std::size_t slots) {
  for (;;) {
    const std::size_t size = slots * layout_.stride();
    void* const base =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base != MAP_FAILED) {
      layout_.base = static_cast<char*>(base);
      slots_ = slots;
      // One huge page would hold the tops of several stacks, and all that lies between.
      madvise(base, size, MADV_NOHUGEPAGE);
      return;
    }
    if (slots == 1) fail(layout_.usable, errno);
    // Where address space is short, no more of it than is needed now.
    slots = slots > stack_chain::full ? stack_chain::full : slots / 2;
  }
}

stack_arena::~stack_arena() {
  if (layout_.base == nullptr) return;
  for (stack_block& b : blocks_)
    if (b.annotated) b.annotation.stack_unmapped(b.bottom(), b.usable());
  munmap(layout_.base, slots_ * layout_.stride());
  guards_.forget(blocks_);
}

stack_chain stack_arena::take() noexcept {
  stack_chain taken;
  while (taken.count < stack_chain::full && !clean_.empty()) taken.push(clean_.pop());
  if (!taken.empty()) return taken;
  const std::size_t first = blocks_.size(), count = std::min(stack_chain::full, slots_ - first);
  for (std::size_t i = 0; i < count; ++i) {
    stack_block& b = blocks_.emplace_back();
    b.layout = &layout_;
    b.index = static_cast<std::uint16_t>(first + i);
  }
  guards_.install(std::span(blocks_).subspan(first));
  for (std::size_t i = count; i-- > 0;) taken.push(&blocks_[first + i]);
  return taken;
}

void discard(const stack_chain& chain) noexcept {
  std::array<iovec, stack_chain::full> ranges;
  std::size_t count = 0;
  for (const stack_block* b = chain.top; b != nullptr; b = b->next) {
    // An unguarded slot's guard page may hold what an overflow wrote; it must read as zeros for the next actor.
    const bool whole = b->guard == stack_guard::canary;
    char* const begin = whole ? b->guard_page() : b->bottom();
    ranges[count++] = {begin, static_cast<std::size_t>(b->top() - begin)};
  }
  advise(std::span(ranges).first(count), MADV_DONTNEED);
}

}  // namespace weir::internal
