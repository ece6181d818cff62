#include "weir/runtime/internal/stack_pool.h"

#include <algorithm>
#include <utility>

namespace weir::internal {
namespace {

stack_block* prepared(stack_block* block) {
  if (!block->annotated) {
    block->annotation.stack_mapped(block->bottom(), block->usable());
    block->annotated = true;
  }
  block->annotation.stack_taken(block->bottom(), block->usable());
  return block;
}

}  // namespace

stack_pool::stack_pool(int caches, stack_guard first, std::shared_ptr<const void> companion)
    : companion_(std::move(companion)), guards_(first), caches_(static_cast<std::size_t>(caches)) {}

stack_block* stack_pool::take(std::size_t size, int cache) {
  const std::size_t size_class = stack_size::class_of(size);
  if (cache == no_cache) {
    std::lock_guard guard(mutex_);
    stack_cache& shared = shelves_[size_class].shared;
    stack_block* block = shared.take();
    if (block == nullptr) {
      shared.fill(fetch_locked(size_class));
      block = shared.take();
    }
    ++out_;
    return prepared(block);
  }
  own_caches& own = caches_[static_cast<std::size_t>(cache)];
  stack_cache& mine = own.of_class[size_class];
  stack_block* block = mine.take();
  if (block == nullptr) {
    std::lock_guard guard(mutex_);
    mine.fill(fetch_locked(size_class));
    block = mine.take();
  }
  ++own.out;
  return prepared(block);
}

void stack_pool::give(stack_block* block, int cache) noexcept {
  block->annotation.stack_pooled(block->bottom(), block->usable());
  const std::size_t size_class = block->layout->size_class;
  if (cache != no_cache) {
    own_caches& own = caches_[static_cast<std::size_t>(cache)];
    --own.out;
    if (const stack_chain surplus = own.of_class[size_class].give(block); !surplus.empty()) put(surplus);
    return;
  }
  mutex_.lock();
  const stack_chain surplus = shelves_[size_class].shared.give(block);
  if (!surplus.empty()) {
    mutex_.unlock();
    put(surplus);
    mutex_.lock();
  }
  // At last: with it, another thread may delete the pool.
  const bool last = --out_ == 0 && retired_;
  mutex_.unlock();
  if (last) delete this;
}

stack_chain stack_pool::fetch_locked(std::size_t size_class) {
  shelf& s = shelves_[size_class];
  if (!s.hot.empty()) {
    stack_block* const top = s.hot.back();
    s.hot.pop_back();
    s.least_hot = std::min(s.least_hot, s.hot.size());
    return {top, stack_chain::full};
  }
  for (const auto& arena : s.arenas)
    if (arena->has_room()) return arena->take();
  // As large as all before it together, so that small programs reserve little.
  const std::size_t slots = std::min(std::max(s.slots, stack_chain::full), stack_arena::most_slots(size_class));
  s.arenas.reserve(s.arenas.size() + 1);
  std::unique_ptr<stack_arena> arena = stack_arena::reserve(*this, guards_, size_class, slots);
  s.hot.reserve((s.slots + arena->slots()) / stack_chain::full);  // so put() allocates nothing
  s.slots += arena->slots();
  s.arenas.push_back(std::move(arena));
  return s.arenas.back()->take();
}

void stack_pool::put(stack_chain chain) noexcept {
  std::lock_guard guard(mutex_);
  shelves_[chain.top->layout->size_class].hot.push_back(chain.top);
}

// In chains.
std::size_t stack_pool::shelf::beyond_kept(std::size_t size_class) const noexcept {
  const std::size_t kept = kept_hot(size_class) / stack_chain::full;
  return hot.size() > kept ? hot.size() - kept : 0;
}

time_point stack_pool::trim(time_point now) noexcept {
  constexpr std::size_t at_once = 16;  // chains: less than a millisecond
  std::array<stack_block*, at_once> coldest;
  std::size_t count = 0;
  bool more = false, beyond = false;
  {
    std::lock_guard guard(mutex_);
    const bool ends = now >= period_end_;
    if (ends) period_end_ = now + trim_period;
    for (std::size_t c = 0; c < stack_classes; ++c) {
      shelf& s = shelves_[c];
      if (ends) s.surplus = std::exchange(s.least_hot, s.hot.size());
      s.surplus = std::min(s.surplus, s.beyond_kept(c));
      const std::size_t taken = std::min(s.surplus, at_once - count);
      const auto first = s.hot.begin(), last = first + static_cast<std::ptrdiff_t>(taken);
      std::copy(first, last, coldest.begin() + static_cast<std::ptrdiff_t>(count));
      s.hot.erase(first, last);
      count += taken;
      s.surplus -= taken;
      s.least_hot = std::min(s.least_hot, s.hot.size());
      more |= s.surplus != 0;
      beyond |= s.beyond_kept(c) != 0;
    }
  }
  for (std::size_t i = 0; i < count; ++i) discard({coldest[i], stack_chain::full});
  if (count != 0) {
    std::lock_guard guard(mutex_);
    for (std::size_t i = 0; i < count; ++i) return_clean_locked({coldest[i], stack_chain::full});
  }
  if (more) return now;
  return beyond ? period_end_ : time_point::max();
}

void stack_pool::return_clean_locked(stack_chain chain) noexcept {
  while (!chain.empty()) {
    stack_block* const block = chain.pop();
    shelf& s = shelves_[block->layout->size_class];
    stack_arena* const arena = block->layout->arena;
    arena->give_clean(block);
    if (!arena->all_clean()) continue;
    s.slots -= arena->slots();
    std::erase_if(s.arenas, [&](const auto& a) { return a.get() == arena; });
  }
}

void stack_pool::trim_all_locked() noexcept {
  const auto trim = [this](stack_chain chain) {
    discard(chain);
    return_clean_locked(chain);
  };
  const auto drain = [&](stack_cache& cache) {
    for (stack_chain chain; !(chain = cache.drain()).empty();) trim(chain);
  };
  for (own_caches& own : caches_)
    for (stack_cache& cache : own.of_class) drain(cache);
  for (shelf& s : shelves_) {
    drain(s.shared);
    for (stack_block* top : s.hot) trim({top, stack_chain::full});
    s.hot.clear();
  }
}

void stack_pool::retire() noexcept {
  mutex_.lock();
  retired_ = true;
  for (const own_caches& own : caches_) out_ += own.out;
  const bool last = out_ == 0;
  if (!last) trim_all_locked();
  mutex_.unlock();
  if (last) delete this;
}

}  // namespace weir::internal
