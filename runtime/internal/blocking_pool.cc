#include "weir/runtime/internal/blocking_pool.h"

#include <pthread.h>

#include <system_error>

namespace weir::internal {

void blocking_pool::submit(job& j) {
  std::lock_guard guard(mutex_);
  if (queued_ >= waiting_ && static_cast<int>(threads_.size()) < most_) {
    try {
      threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;  // else the job waits for one of those there are
    }
  }
  queue_.push(j);
  ++queued_;
  ++submitted_;
  work_.notify_one();
}

bool blocking_pool::take_back(job& j) noexcept {
  std::lock_guard guard(mutex_);
  if (!queue_.remove(j)) return false;
  --queued_;
  return true;
}

blocking_pool::census blocking_pool::count() noexcept {
  std::lock_guard guard(mutex_);
  return {queue_.empty() && static_cast<std::size_t>(waiting_) == threads_.size(), threads_.size(), submitted_};
}

void blocking_pool::serve() {
  pthread_setname_np(pthread_self(), "weir-blocking");
  std::unique_lock guard(mutex_);
  for (;;) {
    while (queue_.empty()) {
      if (stopping_) return;
      ++waiting_;
      work_.wait(guard);
      --waiting_;
    }
    job& j = *queue_.pop();
    --queued_;
    guard.unlock();
    j.run(j.argument);
    j.done.set();  // the job may be gone now
    guard.lock();
  }
}

void blocking_pool::stop() noexcept {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
    work_.notify_all();
  }
  for (std::thread& t : threads_) t.join();
  threads_.clear();
}

}  // namespace weir::internal
