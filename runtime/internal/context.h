// The context switch.
//
// Two implementations behind one interface: an inlined one for plain x86-64 builds (context_x86_64.h), and
// Boost.Context for sanitizers and other CPUs (context.cc, the only user of it). -DWEIR_FCONTEXT chooses the latter
// everywhere.
//
// Thread-safety: a context is used by whoever holds the actor (or, for a native one, by its worker thread).
//
// Hazards that this file answers for:
//  1. The C++ runtime keeps its exception state (`__cxa_eh_globals`: the chain of caught exceptions, the count of those
//     in flight) per OS thread. Two actors that share it, or one that takes it to another thread, corrupt it. resume()
//     gives each actor its own 16 bytes. errno goes with them.
//  2. Compilers may keep the address of a thread-local (errno's too) in a register over a switch. So the addresses are
//     taken once per worker thread and kept in thread_slots, and every other thread-local of the runtime sits
//     behind a noinline accessor.
//  3. The sanitizers follow stacks: see sanitizer.h.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "weir/runtime/internal/sanitizer.h"

namespace weir::internal {

// Laid out as libstdc++ and libc++abi lay out `__cxa_eh_globals` (Itanium C++ ABI: Exception Handling, 2.2.2).
struct exception_state {
  void* caught = nullptr;
  unsigned uncaught = 0;
};

// Where the calling thread keeps what a switch must exchange. Immutable after construction on that thread.
struct thread_slots {
  thread_slots() noexcept;
  exception_state* const exceptions;
  int* const error;
};

#if defined(__x86_64__) && !defined(WEIR_ASAN) && !defined(WEIR_TSAN) && !defined(WEIR_FCONTEXT)
#define WEIR_INLINE_SWITCH 1
#endif

// One side of a switch. What is saved is valid while that side is switched out.
struct context {
#ifdef WEIR_INLINE_SWITCH
  void* stack_pointer = nullptr;
  void* frame_pointer = nullptr;
  void* instruction = nullptr;
  std::uint32_t sse_control = 0;
  std::uint16_t x87_control = 0;
#else
  void* saved = nullptr;  // fcontext_t: all of the above
#endif
  switch_annotation annotation;
};

// The side of an actor: its context and what belongs to a thread while it runs.
struct actor_context : context {
  exception_state exceptions;
  int error = 0;
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;
};

// Where the stack of a side that is switched out ends, at its low end; what lies below is not in use.
inline const char* end_of_stack(const context& c) noexcept {
#ifdef WEIR_INLINE_SWITCH
  constexpr int red_zone = 128;  // of the function that switched
  return static_cast<const char*>(c.stack_pointer) - red_zone;
#else
  return static_cast<const char*>(c.saved);
#endif
}

// Starts to fetch what resume() of a side that is switched out will touch first: the frames it returns through.
// Always inlined, as GCC drops calls of functions that do nothing else.
WEIR_ALWAYS_INLINE void fetch_frames(const context& c) noexcept {
#ifdef WEIR_INLINE_SWITCH
  constexpr int lines = 8, line = 64;
  const char* const top = static_cast<const char*>(c.stack_pointer);
#pragma GCC unroll 8
  for (int i = 0; i < lines; ++i) __builtin_prefetch(top + line * i);
#else
  (void)c;
#endif
}

// Prepares `c` to run entry(argument) on the stack [bottom, bottom + size) at its first resume(). `entry` never
// returns; it ends in leave_forever().
void make_context(actor_context& c, void* bottom, std::size_t size, void (*entry)(void*), void* argument);

#ifndef WEIR_INLINE_SWITCH
// Worker's native stack: runs `to` until it comes back. `native` is where it comes back to.
void resume(context& native, actor_context& to, const thread_slots& slots) noexcept;

// Actor's stack: back to the native stack of the worker that runs it now; returns when resumed, perhaps on another
// thread.
void leave(actor_context& from, context& native) noexcept;
#endif
[[noreturn]] void leave_forever(actor_context& from, context& native) noexcept;

}  // namespace weir::internal

#ifdef WEIR_INLINE_SWITCH
#include "weir/runtime/internal/context_x86_64.h"
#endif
