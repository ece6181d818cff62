#include "weir/runtime/internal/parallel_loop.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/future_core.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {
namespace {

[[noreturn]] void give_up(actor_core& self) {
  self.meet_cancel("parallel_for");
  throw actor_cancelled("parallel_for: cancelled, or the pool ended, before all of the range was done");
}

}  // namespace

struct parallel_loop::helper : pool_job {
  helper() noexcept
      : pool_job([](pool_job& self) noexcept { static_cast<helper&>(self).loop->take_chunks(); }, &helper::finished) {}

  parallel_loop* loop = nullptr;
  event done;

 private:
  static void finished(pool_job& self, bool was_run) noexcept {
    auto& mine = static_cast<helper&>(self);
    if (!was_run) mine.loop->stop();  // the pool has ended
    mine.done.set();                  // it may be gone now
  }
};

void parallel_loop::take_chunks() noexcept {
  for (bool has_run = false;; has_run = true) {
    std::size_t first = 0, last = 0;
    bool over = false;
    {
      std::lock_guard guard(lock_);
      if (has_run) --active_;
      if (!stopped() && next_ < size_) {
        first = next_;
        last = next_ += std::min(grain_, size_ - first);
        ++active_;
      } else if (active_ == 0) {
        over = !std::exchange(said_over_, true);
      }
    }
    if (last == 0) {
      if (over) over_.set();
      return;
    }
    try {
      run_chunk(first, last);
    } catch (...) {
      std::exception_ptr failure = std::current_exception();  // the first one is rethrown by run()
      std::lock_guard guard(lock_);
      stopped_.store(true, std::memory_order_relaxed);
      if (!failure_) failure_.swap(failure);
    }
  }
}

void parallel_loop::stop() noexcept {
  bool over = false;
  {
    std::lock_guard guard(lock_);
    if (next_ < size_) stopped_.store(true, std::memory_order_relaxed);
    if (active_ == 0) over = !std::exchange(said_over_, true);
  }
  if (over) over_.set();
}

void parallel_loop::run(job_pool* pool, site where) {
  if (size_ == 0) return;
  actor_core* const self = current_actor();
  if (self != nullptr) {
    if (self->word().cancel_pending()) give_up(*self);
    if (pool == nullptr) pool = self->runtime().cpu_jobs().get();
  }
  if (pool != nullptr) refuse_forked_pool(*pool, "parallel_for", where);
  const auto threads = static_cast<std::size_t>(pool != nullptr ? pool->most_threads() : 0);
  if (grain_ == 0) grain_ = std::max<std::size_t>(1, size_ / (std::max<std::size_t>(1, threads) * 8));
  const std::size_t chunks = (size_ - 1) / grain_ + 1;
  const std::size_t count = std::min(threads, chunks);
  const auto helpers = std::make_unique<helper[]>(count);

  std::size_t pushed = 0;
  std::exception_ptr refused;
  try {
    for (; pushed < count; ++pushed) {
      helpers[pushed].loop = this;
      pool->push(helpers[pushed]);
    }
  } catch (...) {
    // No thread to be had. An actor must not compute in its place; it is told below.
    if (self != nullptr) {
      refused = std::current_exception();
      stop();
    }
  }
  if (self == nullptr) take_chunks();
  const plain_wait why("parallel_for", "the threads of the pool");
  if (over_.wait(why, refused ? interruptible::no : interruptible::yes) == event::outcome::cancelled) {
    stop();
    over_.wait(why, interruptible::no);
  }
  for (std::size_t i = 0; i < pushed; ++i)
    if (!pool->take_back(helpers[i])) helpers[i].done.wait(why, interruptible::no);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (refused) std::rethrow_exception(refused);
  if (stopped()) give_up(*self);
}

}  // namespace weir::internal
