#include "weir/runtime/runtime.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/biased_lock.h"
#include "weir/runtime/internal/cores.h"
#include "weir/runtime/internal/process_barrier.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir {
namespace {

constexpr int most_workers = 1024;
constexpr int most_blocking_threads = 10000;
constexpr int most_pool_threads = 1024;

int worker_count(const runtime_options& options, site where) {
  if (options.workers) {
    if (*options.workers < 1 || *options.workers > most_workers)
      internal::throw_misuse("runtime", "runtime_options.workers must be 1..1024", fmt::format("{}", *options.workers),
                             "Leave it out for one worker per usable core.", where);
    return *options.workers;
  }
  if (const char* text = std::getenv("WEIR_WORKERS"); text != nullptr && *text != '\0') {
    int count = 0;
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, count);
    if (error != std::errc() || stop != end || count < 1 || count > most_workers)
      internal::throw_misuse("runtime", "the environment's WEIR_WORKERS must be 1..1024", fmt::format("\"{}\"", text),
                             "Unset it for one worker per usable core.", where);
    return count;
  }
  return internal::usable_cores();
}

// WEIR_SCHED=migrate moves each actor to the next worker at every wake: for tests.
bool migrates(site where) {
  const char* const text = std::getenv("WEIR_SCHED");
  if (text == nullptr || *text == '\0') return false;
  if (std::strcmp(text, "migrate") == 0) return true;
  internal::throw_misuse("runtime", "the environment's WEIR_SCHED must be \"migrate\" or unset",
                         fmt::format("\"{}\"", text), "Unset it.", where);
}

// After how many operations in a row of one worker a channel's lock becomes its own (biased_lock.h). WEIR_BIAS is for
// tests: 1 provokes what is rare, 0 switches it off.
std::uint32_t operations_to_bias(site where) {
  constexpr std::uint32_t usual = 4096, most = 1'000'000;
  if (!internal::register_process_barrier()) return 0;
  const char* const text = std::getenv("WEIR_BIAS");
  if (text == nullptr || *text == '\0') return usual;
  std::uint32_t count = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, count);
  if (error != std::errc() || stop != end || count > most)
    internal::throw_misuse("runtime", fmt::format("the environment's WEIR_BIAS must be 0..{}", most),
                           fmt::format("\"{}\"", text), "Unset it.", where);
  return count;
}

internal::runtime_settings checked(runtime_options options, site where) {
  internal::refuse_forking_actor("runtime", where);
  if (options.blocking_threads < 1 || options.blocking_threads > most_blocking_threads)
    internal::throw_misuse("runtime", "runtime_options.blocking_threads must be 1..10000",
                           fmt::format("{}", options.blocking_threads), "The default, 64, fits most.", where);
  if (options.pool_threads && (*options.pool_threads < 1 || *options.pool_threads > most_pool_threads))
    internal::throw_misuse("runtime", "runtime_options.pool_threads must be 1..1024",
                           fmt::format("{}", *options.pool_threads), "Leave it out for one thread per usable core.",
                           where);
  if (options.pool_bound < 1)
    internal::throw_misuse("runtime", "runtime_options.pool_bound must be at least 1", "0",
                           "The default, 1024, fits most.", where);
  if (options.grace < std::chrono::nanoseconds::zero())
    internal::throw_misuse("runtime", "runtime_options.grace must not be negative",
                           fmt::format("{} ns", options.grace.count()), "Use 0 to wait for nobody.", where);
  internal::biased_lock::bias_after(operations_to_bias(where));
  return {worker_count(options, where),
          options.blocking_threads,
          options.pool_threads ? *options.pool_threads : internal::usable_cores(),
          options.pool_bound,
          migrates(where),
          internal::first_stack_guard(where),
          options.grace,
          std::move(options.on_unhandled)};
}

}  // namespace

runtime::runtime(runtime_options options, site where)
    : core_(std::make_unique<internal::runtime_core>(checked(std::move(options), where), where)) {}

runtime::~runtime() {
  if (core_->forked()) internal::abort_forked("~runtime", "a runtime of the parent", core_->root().where());
  if (const internal::actor_core* const a = internal::current_actor(); a != nullptr && &a->runtime() == core_.get())
    internal::abort_misuse("~runtime", "a runtime cannot end inside one of its own actors",
                           fmt::format("actor \"{}\" (#{})", a->name(), a->id()), "Let a plain thread own it.",
                           a->where());
  core_->drain();
}

int runtime::workers() const noexcept { return core_->worker_count(); }
std::size_t runtime::actors() const noexcept { return core_->alive(); }
pool_stats runtime::cpu_pool_stats() const noexcept { return core_->cpu_jobs()->stats(); }
pool_stats runtime::blocking_stats() const noexcept { return core_->blocking().stats(); }

void runtime::await_main(internal::actor_core& main) {
  struct counted {
    std::atomic<int>& runs;
    // Relaxed: read once everything stands still, this thread included.
    explicit counted(std::atomic<int>& n) noexcept : runs(n) { runs.fetch_add(1, std::memory_order_relaxed); }
    counted(const counted&) = delete;
    ~counted() { runs.fetch_sub(1, std::memory_order_relaxed); }
  } const run(core_->runs());
  internal::await_exit_quietly(main);
  if (const std::string* const report = core_->deadlock()) {
    core_->await_actors();
    throw deadlock(*report);
  }
}

void runtime::refuse_actor(site where) {
  if (const internal::actor_core* const a = internal::current_actor())
    internal::throw_misuse("run", "run blocks its thread, so it must not be called by an actor",
                           fmt::format("a call by actor \"{}\" (#{})", a->name(), a->id()),
                           "Use weir::spawn or weir::with_scope here.", where);
}

}  // namespace weir
