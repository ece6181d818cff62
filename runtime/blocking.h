// weir::blocking: runs a call that waits (a file, a foreign library) on an OS thread, so that the worker goes on.
//
// Thread-safety: all of it. On a plain thread the call simply runs.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "weir/runtime/internal/blocking_pool.h"

namespace weir {
namespace internal {

// Runs `j` on the calling actor's runtime's pool and parks until it is done. False: a cancel came before it began,
// while the caller unwinds; it never will.
bool run_blocking(blocking_pool::job& j);
[[noreturn]] void throw_not_run();

}  // namespace internal

// Returns what f() returns or throws what it throws. Parks until it is done.
//
// f borrows the caller's stack. Before it has begun, a cancel ends the wait and f never runs; once it runs, the wait
// goes on to its end, and the cancel arrives at the next park. f must not use anything of weir that needs an actor. At
// most runtime_options.blocking_threads calls run at once; more wait in line. Throws actor_cancelled if the caller
// unwinds in a cancelled scope and f was not run.
template <class F>
auto blocking(F&& f) -> std::invoke_result_t<F&> {
  using value_type = std::invoke_result_t<F&>;
  static_assert(!std::is_reference_v<value_type>, "weir: return a pointer from blocking(), not a reference");
  struct call {
    F& f;
    std::conditional_t<std::is_void_v<value_type>, std::optional<bool>, std::optional<value_type>> value;
    std::exception_ptr failure;
  } c{f, {}, {}};
  internal::blocking_pool::job j;
  j.argument = &c;
  j.run = [](void* argument) {
    call& self = *static_cast<call*>(argument);
    try {
      if constexpr (std::is_void_v<value_type>) {
        std::invoke(self.f);
        self.value = true;
      } else {
        self.value.emplace(std::invoke(self.f));
      }
    } catch (...) {
      self.failure = std::current_exception();  // rethrown in the actor
    }
  };
  if (!internal::run_blocking(j)) internal::throw_not_run();
  if (c.failure) std::rethrow_exception(std::move(c.failure));
  if constexpr (!std::is_void_v<value_type>) return std::move(*c.value);
}

}  // namespace weir
