// weir::blocking: runs a call that waits (a file, a foreign library) on an OS thread, so that the worker goes on.
//
// Thread-safety: all of it. On a plain thread the call simply runs.
//
// For work that keeps a core busy take offload(): its threads are as many as there are cores, and give way to workers.
#pragma once

#include "weir/runtime/internal/borrowed_call.h"

namespace weir {

// Returns what f() returns or throws what it throws. Parks until it is done.
//
// f borrows the caller's stack. Before it has begun, a cancel ends the wait and f never runs; once it runs, the wait
// goes on to its end, and the cancel arrives at the next park. If f takes a std::stop_token, the cancel trips it. f
// must not use anything of weir that needs an actor. At most runtime_options.blocking_threads calls run at once; more
// wait in line. Threads are started as needed and end after 10 s without a call. Throws actor_cancelled if the caller
// unwinds in a cancelled scope and f was not run, std::system_error if there is no thread and none can be started.
template <class F>
auto blocking(F&& f) -> internal::pool_value_t<F> {
  return internal::call_on_pool(f, "blocking", &internal::blocking_pool_here);
}

}  // namespace weir
