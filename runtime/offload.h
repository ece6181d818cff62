// weir::offload: runs CPU work on a pool of threads, so that the worker goes on with other actors.
//
// Thread-safety: all of it. On a plain thread the call simply runs.
#pragma once

#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/internal/borrowed_call.h"

namespace weir {

// Returns what f() returns or throws what it throws. Parks until it is done. Runs on the pool of the caller's runtime
// (runtime_options.pool_threads), or on `pool`.
//
// f borrows the caller's stack. Before it has begun, a cancel ends the wait and f never runs; once it runs, the wait
// goes on to its end, and the cancel arrives at the next park. If f takes a std::stop_token, the cancel trips it. f
// must not use anything of weir that needs an actor, nor wait for another job of its pool. A caller in line takes no
// place of cpu_pool_options.bound. Allocates nothing, but for a stop_token. Throws actor_cancelled if f was not run
// because the caller unwinds in a cancelled scope or `pool` ended, std::system_error if there is no thread and none can
// be started.
template <class F>
auto offload(F&& f) -> internal::pool_value_t<F> {
  return internal::call_on_pool(f, "offload", &internal::cpu_pool_here);
}
template <class F>
auto offload(cpu_pool& pool, F&& f) -> internal::pool_value_t<F> {
  return internal::call_on_pool(f, "offload",
                                [&] { return internal::cpu_pool_here() != nullptr ? &pool.jobs() : nullptr; });
}

}  // namespace weir
