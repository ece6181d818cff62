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
    : companion_(std::move(companion)), guards_(first), caches_(static_cast<std::size_t>(caches)) {
  // One chain may be on its way beyond the limit: so put() allocates nothing.
  for (std::size_t c = 0; c < stack_classes; ++c) shelves_[c].hot.reserve(kept_hot(c) / stack_chain::full + 1);
}

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
    return {top, stack_chain::full};
  }
  for (const auto& arena : s.arenas)
    if (arena->has_room()) return arena->take();
  // As large as all before it together, so that small programs reserve little.
  const std::size_t slots = std::min(std::max(s.slots, stack_chain::full), stack_arena::most_slots(size_class));
  s.arenas.reserve(s.arenas.size() + 1);
  s.arenas.push_back(stack_arena::reserve(*this, guards_, size_class, slots));
  s.slots += s.arenas.back()->slots();
  return s.arenas.back()->take();
}

void stack_pool::put(stack_chain chain) noexcept {
  const std::size_t size_class = chain.top->layout->size_class;
  stack_chain coldest;
  {
    std::lock_guard guard(mutex_);
    std::vector<stack_block*>& hot = shelves_[size_class].hot;
    hot.push_back(chain.top);
    if (hot.size() * stack_chain::full <= kept_hot(size_class)) return;
    coldest = {hot.front(), stack_chain::full};
    hot.erase(hot.begin());
  }
  discard(coldest);
  std::lock_guard guard(mutex_);
  return_clean_locked(coldest);
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
