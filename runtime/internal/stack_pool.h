// All stacks of a runtime: taken and given in a worker's own cache, exchanged in chains, trimmed when too many lie
// idle.
//
// Thread-safety: all of it, but a cache is used on its worker's thread only.
//
// The ways of a stack: arena -> chain -> cache -> actor -> cache (perhaps another worker's) -> chain, and from there to
// an actor again, hot, or, when the free stacks with memory are too many, discarded and back to its arena.
//
// The pool belongs to a runtime but lives on until its last stack is back, because a handle to an ended actor may
// outlive the runtime.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "weir/runtime/internal/stack.h"
#include "weir/runtime/internal/stack_arena.h"
#include "weir/runtime/internal/stack_cache.h"
#include "weir/runtime/internal/stack_guard.h"

namespace weir::internal {

class stack_pool {
 public:
  static constexpr int no_cache = -1;  // for whoever is no worker of the runtime: under the lock each time

  // `companion` lives as long as the pool.
  explicit stack_pool(int caches = 0, stack_guard first = stack_guard::madvise,
                      std::shared_ptr<const void> companion = {});
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  // The runtime ends: its workers are gone, and nothing will be taken any more. Gives back what memory is free, and
  // deletes the pool, now or when the last stack is given back.
  void retire() noexcept;

  // A stack with at least `size` usable bytes (times stack_scale under sanitizers), a hot one if there is one.
  // REQUIRES: stack_size::least <= size <= most. Throws no_memory.
  stack_block* take(std::size_t size, int cache = no_cache);
  // The stack is free: nobody runs on it or points into it.
  void give(stack_block* block, int cache = no_cache) noexcept;

  // Stacks without a guard page.
  std::size_t unguarded() const noexcept { return guards_.unguarded(); }

  // Free stacks that keep their memory, beside two chains a worker: enough for batches of 10 000 actors, and at most
  // 4 GiB if all of them were used to their end.
  static constexpr std::size_t kept_hot(std::size_t size_class) noexcept {
    const std::size_t bound = (std::size_t{4} << 30) / stack_size::of_class(size_class);
    return bound < 16384 ? bound : 16384;
  }

 private:
  struct own_caches {
    alignas(64) std::array<stack_cache, stack_classes> of_class;
    long out = 0;  // taken less given, here
  };
  struct shelf {
    std::vector<std::unique_ptr<stack_arena>> arenas;  // in the order they were made
    std::vector<stack_block*> hot;                     // full chains, the hottest last
    stack_cache shared;                                // for those without a cache
    std::size_t slots = 0;                             // of all arenas
  };

  ~stack_pool() = default;
  stack_chain fetch_locked(std::size_t size_class);
  // A full chain of free stacks. May trim.
  void put(stack_chain chain) noexcept;
  // Discarded stacks. Unmaps arenas that have become clean.
  void return_clean_locked(stack_chain chain) noexcept;
  void trim_all_locked() noexcept;  // REQUIRES: no worker is left

  const std::shared_ptr<const void> companion_;
  guard_ladder guards_;
  std::vector<own_caches> caches_;
  std::mutex mutex_;  // guards what follows
  std::array<shelf, stack_classes> shelves_;
  long out_ = 0;  // taken less given, without a cache; after retire(): all that are out
  bool retired_ = false;
};

}  // namespace weir::internal
