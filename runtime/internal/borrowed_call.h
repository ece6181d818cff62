// A call that runs on a pool's thread while its caller waits: what offload and blocking have in common.
//
// Thread-safety: the caller's; the pool's thread runs it while the caller is parked.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/job_pool.h"

namespace weir::internal {

class runtime_core;

// Calls f with the token, if it takes one.
template <class F>
decltype(auto) call_with(F& f, const std::stop_token& token) {
  if constexpr (std::is_invocable_v<F&, std::stop_token>)
    return std::invoke(f, token);
  else
    return std::invoke(f);
}
template <class F>
using pool_value_t = decltype(call_with(std::declval<F&>(), std::declval<const std::stop_token&>()));

// What a call leaves behind; `void` is kept as a bool.
template <class T>
struct call_result {
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  std::exception_ptr failure;

  template <class F>
  void fill(F& f, const std::stop_token& token) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        call_with(f, token);
        value = true;
      } else {
        value.emplace(call_with(f, token));
      }
    } catch (...) {
      failure = std::current_exception();  // rethrown by take()
    }
  }
  T take() {
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
};

// On the caller's stack.
struct borrowed_job : pool_job {
  explicit borrowed_job(run_function* r) noexcept : pool_job(r, &borrowed_job::finished) {}

  event done;
  bool ran = false;                  // before `done`
  std::stop_source* stop = nullptr;  // tripped by a cancel, or by the limit, once the job runs
  // Set by the caller at the same moment, read by the job: for one that looks now and then, without an allocation.
  // Relaxed: it orders nothing, and a stale false costs one more step of the job.
  std::atomic<bool> hurry{false};

 private:
  static void finished(pool_job& self, bool was_run) noexcept;
};

enum class call_end : std::uint8_t {
  ran,
  cancelled,  // it never will: a cancel came before it began, while the caller unwinds, or the pool stopped
  timeout,    // nor will it: the limit came before it began
};
// Runs `j` on the pool and parks until it is over. Of one that has begun the end is waited for, whatever comes first.
// With a limit that has passed it does not begin.
// REQUIRES: inside an actor.
call_end run_borrowed(job_pool& pool, borrowed_job& j, const char* call, deadline limit = {});
[[noreturn]] void throw_not_run(const char* call);

// `pool_of`: gives the pool, asked only inside an actor. On a plain thread f is simply called.
template <class F, class PoolOf>
auto call_on_pool(F& f, const char* call, PoolOf pool_of) -> pool_value_t<F> {
  using value_type = pool_value_t<F>;
  static_assert(!std::is_reference_v<value_type>,
                "weir: return a pointer from offload() or blocking(), not a reference");
  job_pool* const pool = pool_of();
  if (pool == nullptr) return call_with(f, {});
  struct job final : borrowed_job {
    explicit job(F& g) noexcept : borrowed_job(&job::run_it), f(g) {}
    static void run_it(pool_job& self) noexcept {
      auto& mine = static_cast<job&>(self);
      mine.result.fill(mine.f, mine.stop != nullptr ? mine.stop->get_token() : std::stop_token());
    }
    F& f;
    call_result<value_type> result;
  } j(f);
  std::optional<std::stop_source> stop;
  if constexpr (std::is_invocable_v<F&, std::stop_token>) j.stop = &stop.emplace();
  if (run_borrowed(*pool, j, call) != call_end::ran) throw_not_run(call);
  return j.result.take();
}

// The pools of the calling actor's runtime; null on a plain thread.
job_pool* cpu_pool_here() noexcept;
job_pool* blocking_pool_here() noexcept;

}  // namespace weir::internal
