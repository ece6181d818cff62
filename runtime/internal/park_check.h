// A look at an actor before each of its parks, for builds that link one (held_mutex.cc in dbg builds).
//
// Thread-safety: set before main, read by whoever parks.
#pragma once

#include <atomic>

#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_reason.h"

namespace weir::internal {

class actor_core;

// Called on the stack of the actor that is about to park, whether or not it will have to wait. `held`: the lock of what
// it waits for, or null; who asks `why` for the object lets it go before, and must not return then.
using park_check = void(const actor_core& self, const wait_reason& why, const lock_key* held) noexcept;

// Null: no check. Relaxed: written before any actor runs.
inline constinit std::atomic<park_check*> check_before_park{nullptr};

}  // namespace weir::internal
