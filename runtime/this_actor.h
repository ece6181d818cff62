// weir::this_actor: what the running actor can do and ask about itself.
//
// Thread-safety: concerns the caller only. On a plain OS thread sleep and yield do what they say to the thread, id()
// and stack_used() are 0, name() is empty, and nothing is ever cancelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/runtime/base/deadline.h"

namespace weir::this_actor {

// Lets others run that are runnable. Counts as a park: throws weir::cancelled in a cancelled scope.
void yield();

// yield(), but only if the caller has run for some 200 us. For loops that compute: costs about 20 ns.
void maybe_yield();

// Parks until `until`, never less. A cancel ends it: throws weir::cancelled, or returns while the actor unwinds.
// Does not allocate, but for the worker's timer heap when that grows.
void sleep(deadline until);

// A number unique in its runtime, from 1.
std::uint64_t id() noexcept;
// As given to spawn, the first 39 characters; empty if it has none. Valid as long as the actor.
std::string_view name() noexcept;

// The most bytes of the caller's stack that were ever in use: see actor::stack_used. 0 on a plain thread.
std::size_t stack_used() noexcept;

// A scope around the caller is cancelled, and not behind a shield: the next park will throw, or act as if its peer were
// gone (while unwinding, and in weir::shielded after its grace).
bool cancel_requested() noexcept;
// Throws weir::cancelled if the next park would. For loops that do not park.
void check_cancel();

}  // namespace weir::this_actor
