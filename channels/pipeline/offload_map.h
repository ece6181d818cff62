// offload_map(f, {...}): f(item) on a pool of threads, for functions that compute for a while. Several calls are under
// way at once; the results go on in the order of the items unless told otherwise.
//
// Thread-safety: f is called by several threads at once.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/node.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/offload.h"

namespace weir {

struct offload_options {
  // How many calls may be under way or in line at the pool, from 1. Left out: two for each thread of the pool, so that
  // each finds the next call at hand. With no more than the pool has threads, a thread waits between two calls until
  // its result was taken and the next item came, which matters if they are short.
  std::optional<int> parallel = {};
  stage_order order = ordered;
  // The rest as in stage_options.
  long long buffer = 0;
  std::string name = {};
  // How long a call may take, its time in line included. What has not begun by then never runs; one that runs is waited
  // for, and its result dropped. Either counts as failed.
  std::chrono::nanoseconds timeout{0};
  // Null: the pool of the runtime. It has to outlive the run.
  cpu_pool* pool = nullptr;
};

namespace internal {

// What f(item) gives, or f(item, stop_token) if it takes one.
template <class F, class T>
decltype(auto) call_with_item(F& f, T&& item, const std::stop_token& token) {
  if constexpr (std::is_invocable_v<F&, T, std::stop_token>)
    return std::invoke(f, std::forward<T>(item), token);
  else
    return std::invoke(f, std::forward<T>(item));
}
template <class F, class T>
inline constexpr bool takes_item = std::is_invocable_v<F&, T> || std::is_invocable_v<F&, T, std::stop_token>;
template <class F, class T>
using offloaded_value =
    std::remove_cvref_t<decltype(call_with_item<F, T>(std::declval<F&>(), std::declval<T>(), std::stop_token()))>;

// How many threads `pool`, or that of the calling actor's runtime, has.
int threads_of(cpu_pool* pool) noexcept;

template <class F>
struct offload_map_stage {
  static constexpr const char* kind = "offload_map";
  static constexpr bool is_sink = false, needs_queue = true, alone = false, calls = true;
  template <class T>
  static constexpr void check() {
    static_assert(takes_item<F, T>, "weir::offload_map: the function does not take what the stage before it gives");
    if constexpr (takes_item<F, T>)
      static_assert(!std::is_void_v<offloaded_value<F, T>>, "weir::offload_map: the function returns nothing");
  }
  template <class T>
  using output = offloaded_value<F, T>;

  template <class T>
  struct instance {
    F* f;
    cpu_pool* pool;
    template <class Call, class Emit>
    bool process(T& item, Call& call, const Emit& emit) {
      const auto there = [ this, &call ]<class U>(U && u) -> offloaded_value<F, U>
      requires takes_item<F, U> {
        const auto begin = call.begin();
        auto value = this->template run<U>(std::forward<U>(u));
        call.require_in_time(begin);
        return value;
      };
      auto out = call(there, item);
      return !out || emit(*std::move(out));
    }

   private:
    template <class U>
    offloaded_value<F, U> run(U&& u) {
      if constexpr (std::is_invocable_v<F&, U, std::stop_token>)
        return on_pool([&](std::stop_token token) -> offloaded_value<F, U> {
          return call_with_item<F, U>(*f, std::forward<U>(u), token);
        });
      else
        return on_pool([&]() -> offloaded_value<F, U> { return std::invoke(*f, std::forward<U>(u)); });
    }
    template <class G>
    auto on_pool(G&& g) {
      return pool != nullptr ? offload(*pool, g) : offload(g);
    }
  };
  template <class T>
  instance<T> make() noexcept {
    return {std::addressof(f), pool};
  }
  // Before anything runs, in the actor that executes.
  void complete(stage_options& options) const noexcept {
    if (!parallel_given) options.parallel = 2 * threads_of(pool);
  }

  F f;
  cpu_pool* pool;
  bool parallel_given;
};

}  // namespace internal

// Each call waits in an actor of the stage, as weir::offload does: a cancel of the pipeline takes back what has not
// begun and waits for the calls that run; if f takes a std::stop_token after the item, the cancel, and the timeout,
// trip it. f must not use anything of weir that needs an actor.
template <class F>
auto offload_map(F f, offload_options o = {}) {
  return internal::entry(internal::offload_map_stage<F>{std::move(f), o.pool, o.parallel.has_value()},
                         {.parallel = o.parallel.value_or(1),
                          .order = o.order,
                          .buffer = o.buffer,
                          .name = std::move(o.name),
                          .timeout = o.timeout});
}

}  // namespace weir
