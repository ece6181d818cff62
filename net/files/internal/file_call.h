// System calls on files, on a thread of the blocking pool while the caller is parked.
//   call_limit   what a job asks between two system calls
//   call_end     how far it came
//   file_io      runs a read or a write
//   file_call    runs anything else
//
// Thread-safety: the caller's; the pool's thread runs the job while the caller is parked.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

#include "weir/net/error.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/borrowed_call.h"

namespace weir::net::internal {

// A system call that has begun cannot be cut short. So a job makes small steps, and looks here between two of them.
class call_limit {
 public:
  call_limit(const std::atomic<bool>* hurry, deadline limit) noexcept : hurry_(hurry), limit_(limit) {}
  // Relaxed: see borrowed_job. On a plain thread nobody waits meanwhile, so the job looks at the clock itself.
  bool over() const noexcept { return hurry_ != nullptr ? hurry_->load(std::memory_order_relaxed) : limit_.expired(); }

 private:
  const std::atomic<bool>* hurry_;
  deadline limit_;
};

[[noreturn]] void throw_not_begun(const char* operation, const std::string& subject, weir::internal::call_end why);
// Throws what a call that was cut short has to tell: weir::cancelled, or a deadline.
[[noreturn]] void throw_cut(const char* operation, const std::string& subject);

struct io_end {
  std::size_t done = 0;  // bytes, or whatever the call counts
  int error = 0;         // an errno
  bool cut = false;      // call_limit was over before the job was
};

// Runs f(call_limit), if it can, on the pool.
//
// Parks until f is over. Before f has begun, a cancel ends the wait (weir::cancelled) and so does the limit, and f
// never runs. Once f runs its end is waited for. On a plain thread f is simply called.
template <class F>
weir::internal::call_end run_on_pool(const char* operation, deadline limit, F& f) {
  weir::internal::job_pool* const pool = weir::internal::blocking_pool_here();
  if (pool == nullptr) {
    f(call_limit(nullptr, limit));
    return weir::internal::call_end::ran;
  }
  struct job final : weir::internal::borrowed_job {
    explicit job(F& g) noexcept : borrowed_job(&job::run_it), call(g) {}
    static void run_it(weir::internal::pool_job& self) noexcept {
      auto& mine = static_cast<job&>(self);
      mine.call(call_limit(&mine.hurry, {}));
    }
    F& call;
  } j(f);
  return weir::internal::run_borrowed(*pool, j, operation, limit);
}

// For reads and writes: f returns an io_end, and throws nothing. If it was not run, that is one that was cut.
template <class F>
io_end file_io(const char* operation, deadline limit, F f) {
  io_end end{.done = 0, .error = 0, .cut = true};
  auto run = [&](const call_limit& l) noexcept { end = f(l); };
  run_on_pool(operation, limit, run);
  return end;
}

// For all else: f may throw. Throws net::error (errc::timeout) or actor_cancelled if it was not run. `operation` lives
// as long as the process.
template <class F>
auto file_call(const char* operation, const std::string& subject, deadline limit, F f)
    -> decltype(f(std::declval<const call_limit&>())) {
  weir::internal::call_result<decltype(f(std::declval<const call_limit&>()))> result;
  auto run = [&](const call_limit& l) noexcept {
    auto call = [&] { return f(l); };
    result.fill(call, {});
  };
  const auto end = run_on_pool(operation, limit, run);
  if (end != weir::internal::call_end::ran) throw_not_begun(operation, subject, end);
  return result.take();
}

}  // namespace weir::net::internal
