// A loop whose chunks several threads take: what parallel_for is without its types.
//
// Thread-safety: run() once, by its owner.
//
// Invariants:
//  1. Whoever takes a chunk raises active_; whoever finds none left lowers it. Once nothing is left and active_ is
//     zero, over_ is set, once.
//  2. A helper may come when all is over, or never: run() takes back those in line, and waits for the others, before
//     the frame goes.
#pragma once

#include <cstddef>
#include <exception>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

class job_pool;

class parallel_loop {
 public:
  // `grain`: elements in a chunk; 0: chosen by run().
  parallel_loop(std::size_t size, std::size_t grain) noexcept : size_(size), grain_(grain) {}
  parallel_loop(const parallel_loop&) = delete;

  // `pool`: null for that of the calling actor's runtime.
  void run(job_pool* pool, site where);

 protected:
  ~parallel_loop() = default;
  virtual void run_chunk(std::size_t first, std::size_t last) = 0;
  // Relaxed: a stale answer costs an element more.
  bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

 private:
  struct helper;

  void take_chunks() noexcept;
  // Nobody takes a chunk any more. stopped() afterwards: there are some that nobody has taken.
  void stop() noexcept;

  const std::size_t size_;
  std::size_t grain_;
  small_lock lock_;
  std::size_t next_ = 0;  // guarded by lock_, as are:
  int active_ = 0;        // threads that run a chunk
  bool said_over_ = false;
  std::exception_ptr failure_;   // the first one
  atomic<bool> stopped_{false};  // written under lock_
  event over_;
};

}  // namespace weir::internal
