// All stacks of a runtime: taken and given in a worker's own cache, exchanged in chains, trimmed when too many have
// lain idle for a while.
//
// Thread-safety: all of it, but a cache is used on its worker's thread only.
//
// The ways of a stack: arena -> chain -> cache -> actor -> cache (perhaps another worker's) -> chain, and from there to
// an actor again, hot, or, when nobody has needed it for a second and many are free, discarded and back to its arena.
// Not at once: what ends in one batch is often spawned again in the next, and a fresh page costs more than all the rest
// of an actor's life.
//
// The pool belongs to a runtime but lives on until its last stack is back, because a handle to an ended actor may
// outlive the runtime.
//
// Origin: Bonwick and Adams, Magazines and Vmem (USENIX 2001): what to give back is the least that a depot held during
// a period.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "weir/runtime/base/clock.h"
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

  // Gives back the memory of stacks that nobody has needed for a trim_period, some thousand a call, and keeps kept_hot.
  // For one thread at a time, from time to time. Returns when to call again; max if no more than kept_hot are free.
  time_point trim(time_point now) noexcept;
  static constexpr time_point::duration trim_period = std::chrono::seconds(1);

  // Free stacks that keep their memory for good, beside two chains a worker: enough for batches of 10 000 actors, and
  // at most 4 GiB if all of them were used to their end.
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
    std::vector<stack_block*> hot;                     // full chains, the hottest last; room for all there may be
    std::size_t least_hot = 0;                         // the fewest that `hot` has held in this period
    std::size_t surplus = 0;                           // so many of the coldest are to be trimmed
    stack_cache shared;                                // for those without a cache
    std::size_t slots = 0;                             // of all arenas

    std::size_t beyond_kept(std::size_t size_class) const noexcept;
  };

  ~stack_pool() = default;
  stack_chain fetch_locked(std::size_t size_class);
  // A full chain of free stacks.
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
  time_point period_end_{};  // of trim(); its caller's own
};

}  // namespace weir::internal
