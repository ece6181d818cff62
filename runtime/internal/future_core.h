// A job that was submitted: its closure, its result, and who still wants it. On the heap.
//
// Thread-safety: as marked. Two references: the future's, and the pool's until the job is over; the last one to go
// destroys the result, on whatever thread that is.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/borrowed_call.h"
#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/job_pool.h"

namespace weir::internal {

class future_core : public pool_job {
 public:
  // Anyone with a reference.
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    // Acquire and release: the last one sees what the other did with the result.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  event& done() noexcept { return done_; }
  // Not begun: it never will, and is over. Running: trips its token.
  void cancel() noexcept;
  // Waits until it is over. False: timeout. Throws cancelled, but waits on while unwinding.
  bool await(const char* call, deadline limit);
  bool forked() const noexcept { return pool_->forked(); }
  site where() const noexcept { return where_; }

  // After done(): it was run to its end.
  bool ran() const noexcept { return ran_; }

 protected:
  future_core(run_function* r, std::shared_ptr<job_pool> pool, site where) noexcept
      : pool_job(r, &future_core::finished), pool_(std::move(pool)), where_(where) {}
  virtual ~future_core() = default;
  virtual void drop_closure() noexcept = 0;

  std::optional<std::stop_source> stop_;  // if the closure takes a token; immutable once pushed

 private:
  static void finished(pool_job& self, bool was_run) noexcept;

  const std::shared_ptr<job_pool> pool_;
  const site where_;  // of submit
  bool ran_ = false;  // written before done_ is set
  event done_;
  atomic<int> references_{2};
};

template <class T>
class future_state : public future_core {
 public:
  call_result<T> result;  // written by the pool's thread before done()

 protected:
  using future_core::future_core;
};

template <class F>
class submitted final : public future_state<pool_value_t<F>> {
 public:
  template <class G>
  submitted(std::shared_ptr<job_pool> pool, G&& f, site where)
      : future_state<pool_value_t<F>>(&submitted::run_it, std::move(pool), where),
        closure_(std::in_place, std::forward<G>(f)) {
    if constexpr (std::is_invocable_v<F&, std::stop_token>) this->stop_.emplace();
  }

 private:
  static void run_it(pool_job& self) noexcept {
    auto& mine = static_cast<submitted&>(self);
    mine.result.fill(*mine.closure_, mine.stop_ ? mine.stop_->get_token() : std::stop_token());
    mine.closure_.reset();
  }
  void drop_closure() noexcept override { closure_.reset(); }

  std::optional<F> closure_;
};

// Waits for a place. Throws cancelled, but waits on while unwinding. False: `limit` came first. Throws actor_cancelled
// if the pool ends, misuse in a forked child.
bool await_place(job_pool& pool, deadline limit, site where);
[[noreturn]] void throw_no_result(const future_core& f);
[[noreturn]] void throw_no_future(const char* call, site where);
void refuse_forked_pool(const job_pool& pool, const char* call, site where);

// REQUIRES: a place was taken.
template <class F>
future_state<pool_value_t<std::decay_t<F>>>* push_submitted(const std::shared_ptr<job_pool>& pool, F&& f, site where) {
  using state = submitted<std::decay_t<F>>;
  static_assert(!std::is_reference_v<pool_value_t<std::decay_t<F>>>,
                "weir: return a pointer from a job, not a reference");
  state* s = nullptr;
  try {
    s = new state(pool, std::forward<F>(f), where);
  } catch (...) {
    pool->release_place();
    throw;
  }
  try {
    pool->push_placed(*s);
  } catch (...) {
    s->release();
    s->release();
    throw;
  }
  return s;
}

}  // namespace weir::internal
