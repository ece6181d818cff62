#include "weir/runtime/internal/make_actor.h"

#include <fmt/core.h>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {

stack_block* take_stack(runtime_core& r, const spawn_options& options, std::size_t block, site where) {
  if (r.forked()) throw_forked("spawn", "a runtime of the parent", where);
  if (options.stack < stack_size::least || options.stack > stack_size::most)
    throw_misuse("spawn", "spawn_options.stack must be 16 KiB to 64 MiB", fmt::format("{} bytes", options.stack),
                 "Say it in bytes: {.stack = 64 << 10}; the default, 256 KiB, fits most.", where);
  if (options.pinned < -1 || options.pinned >= r.worker_count())
    throw_misuse("spawn", fmt::format("spawn_options.pinned must be 0..{}, or -1 for any worker", r.worker_count() - 1),
                 fmt::format("{}", options.pinned), "Leave it out, or raise runtime_options.workers.", where);
  if (block > options.stack / 4)
    throw_misuse("spawn", "the function's captures must fit into a quarter of the stack",
                 fmt::format("{} bytes of {}", block, options.stack),
                 "Capture a std::unique_ptr to the large part, or raise spawn_options.stack.", where);
  if (!r.admit())
    throw_misuse("spawn", "a runtime that ends takes no more actors from outside", "a spawn while ~runtime waits",
                 "Let the threads that spawn end before the runtime does.", where);
  try {
    const worker* const w = current_worker_or_null();
    return r.stacks().take(options.stack, w != nullptr && &w->runtime() == &r ? w->index() : stack_pool::no_cache);
  } catch (...) {
    r.retract();
    throw;
  }
}

void return_stack(runtime_core& r, stack_block* stack) noexcept {
  give_stack(stack);
  r.retract();
}

runtime_core& runtime_for_spawn(site where) {
  if (actor_core* const a = current_actor()) return a->runtime();
  refuse_forking_actor("spawn", where);
  throw_misuse("spawn", "weir::spawn needs a running actor", "a plain thread",
               "Call it inside weir::run([] { ... }), or use spawn of the weir::runtime you mean.", where);
}

scope_node& root_of(runtime_core& r) noexcept { return r.root(); }

}  // namespace weir::internal
