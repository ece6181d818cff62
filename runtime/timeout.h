// Scopes with a time limit.
//   with_timeout(limit, f)   f's value, or throws timed_out
//   within(limit, f)         an optional: empty if the time was up
//
// Thread-safety: as with_scope.
#pragma once

#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/scope.h"

namespace weir {

// with_scope whose scope is cancelled when `limit` comes; f takes a scope& or nothing. Then, if the cancel cut f or one
// of the scope's actors short, timed_out is thrown when all of them have ended. An f that was late but not cut short,
// as it computed or its hand-over had happened, gives its value. The rest is as with_scope says: a failure goes before
// the timeout, so does a cancel from outside; of several limits that have come, the outermost throws. A limit in the
// past stops f at its first park. Allocates only when the worker's timer heap grows.
template <class F>
auto with_timeout(deadline limit, F&& f, site where = site::current()) {
  internal::scope_frame frame("with_timeout", {.deadline = limit}, where);
  return internal::run_in_time(frame, std::forward<F>(f));
}

// The same, but the time being up is a value: std::optional<T>, empty then; for an f that returns nothing, bool, false
// then. Only this limit is turned into a value: a timed_out that f lets out goes on.
template <class F>
auto within(deadline limit, F&& f, site where = site::current()) {
  internal::scope_frame frame("within", {.deadline = limit}, where);
  return internal::run_in_scope(frame, std::forward<F>(f));
}

}  // namespace weir
