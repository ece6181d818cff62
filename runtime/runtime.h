// Runtimes: a set of workers that run actors. weir::run is all that most programs need.
//
// Thread-safety: runtime: all of it but construction and destruction. Several may live in one process; none is global.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/runtime/actor.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/pool_stats.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/make_actor.h"
#include "weir/runtime/internal/signals.h"

namespace weir {

struct runtime_options {
  // OS threads that run actors, 1 to 1024. Left out: the environment's WEIR_WORKERS, else one per core that the process
  // may use (affinity mask and cgroup quota count).
  std::optional<int> workers = {};
  // How long actors that are left when the runtime ends may take to meet their cancel, before they are named and the
  // process aborts.
  std::chrono::nanoseconds grace = std::chrono::seconds(10);
  // The most OS threads for blocking(), 1 to 10000; they are started as needed.
  int blocking_threads = 64;
  // OS threads for offload() and submit(), 1 to 1024; they are started as needed. Left out: one per core that the
  // process may use.
  std::optional<int> pool_threads = {};
  // The most jobs of submit() in line, from 1.
  std::size_t pool_bound = 1024;
  // Gets the name and the exception of an actor that failed and that nobody joins. Runs on a worker; must not throw or
  // wait. Left out: a line on stderr, then std::terminate.
  std::function<void(std::string_view actor, std::exception_ptr failure)> on_unhandled = {};
};

class runtime {
 public:
  // Starts the workers. Throws misuse (options out of range), std::system_error (no thread or descriptor to be had).
  explicit runtime(runtime_options options = {}, site where = site::current());
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  // Cancels what is left, waits for it (options.grace), then for jobs that run on its pools, ends the workers. Not
  // inside an actor of this runtime: misuse.
  ~runtime();

  // Runs f() as the actor "main", blocks the calling thread until it has ended, and returns its value (void: 0) or
  // rethrows what ended it. What main leaves behind runs on until the runtime ends. Misuse inside an actor.
  //
  // If meanwhile it comes so far that no actor can run and nothing is left that could wake one, all actors of the
  // runtime are cancelled, and given options.grace to end, as at its end; then deadlock is thrown, whatever main made
  // of its cancel, by this call and by every later one.
  //
  // Meanwhile the first SIGINT or SIGTERM cancels main, and if that ends it, run returns 130 or 143 if it returns an
  // int, else it throws interrupted; the second kills the process. A signal that the program handles by itself,
  // ignores, or selects on (on_signal) is left alone.
  template <class F>
  auto run(F&& f, site where = site::current()) {
    refuse_actor(where);
    using value = internal::actor_value_t<F>;
    internal::interruptible_main signals;
    auto main = spawn("main", std::forward<F>(f), {}, where);
    signals.begin(main.core("run", where));
    await_main(main.core("run", where));
    if (const int signal = signals.ended_by()) {
      if constexpr (std::is_void_v<value> || std::is_same_v<value, int>)
        return 128 + signal;
      else
        throw interrupted(signal);
    }
    if constexpr (std::is_void_v<value>) {
      main.join(where);
      return 0;
    } else {
      return main.join(where);
    }
  }

  // weir::spawn from anywhere, also from plain threads. While ~runtime waits for what is left, it throws misuse for all
  // but this runtime's actors.
  template <class F>
  [[nodiscard]] actor<internal::actor_value_t<F>> spawn(std::string_view name, F&& f, spawn_options options = {},
                                                        site where = site::current()) {
    return actor<internal::actor_value_t<F>>(
        internal::make_actor(*core_, internal::root_of(*core_), name, std::forward<F>(f), options, where));
  }
  template <class F>
  requires std::is_invocable_v < std::decay_t<F>
  & > [[nodiscard]] actor<internal::actor_value_t<F>> spawn(F&& f, spawn_options options = {},
                                                            site where = site::current()) {
    return spawn(std::string_view(), std::forward<F>(f), options, where);
  }

  int workers() const noexcept;
  // Actors that have been spawned and have not ended. Stale at once.
  std::size_t actors() const noexcept;
  // Of the pool that offload() and submit() use, and of that of blocking().
  pool_stats cpu_pool_stats() const noexcept;
  pool_stats blocking_stats() const noexcept;

  internal::runtime_core& core() noexcept { return *core_; }

 private:
  static void refuse_actor(site where);
  // Until main has ended; throws deadlock.
  void await_main(internal::actor_core& main);

  const internal::signal_tenancy signals_;
  std::unique_ptr<internal::runtime_core> core_;
};

// A runtime for the length of one call: runs f() as the actor "main", then ends what main left behind. Returns f's
// value (void: 0, so that main() can return it) or lets its exception out; throws deadlock, which gives a program that
// does not catch it the exit status 70.
template <class F>
auto run(runtime_options options, F&& f, site where = site::current()) {
  runtime r(std::move(options), where);
  return r.run(std::forward<F>(f), where);
}
template <class F>
auto run(F&& f, site where = site::current()) {
  return run(runtime_options{}, std::forward<F>(f), where);
}

}  // namespace weir
