#include "weir/runtime/internal/make_actor.h"

#include <fmt/core.h>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {

actor_spec prepare_actor(runtime_core& r, scope_node& parent, std::string_view name, const spawn_options& options,
                         std::size_t block, site where) {
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
  worker* const here = current_worker_or_null();
  worker* const own = here != nullptr && &here->runtime() == &r ? here : nullptr;
  if (!r.admit(parent, own))
    throw_misuse("spawn", "a runtime that ends takes no more actors from outside", "a spawn while ~runtime waits",
                 "Let the threads that spawn end before the runtime does.", where);
  actor_core* const spawner = here != nullptr ? here->running() : nullptr;
  try {
    return {&r,
            r.stacks().take(options.stack, own ? own->index() : stack_pool::no_cache),
            own ? own->next_id() : r.reserve_ids(1),
            name,
            where,
            options.pinned,
            spawner ? spawner->locals() : current_locals()};
  } catch (...) {
    r.retract(parent, own);
    throw;
  }
}

void drop_actor(const actor_spec& spec, scope_node& parent) noexcept {
  give_stack(spec.stack);
  worker* const here = current_worker_or_null();  // perhaps another one: the closure's constructor may have parked
  spec.runtime->retract(parent, here != nullptr && &here->runtime() == spec.runtime ? here : nullptr);
}

runtime_core& runtime_for_spawn(site where) {
  if (actor_core* const a = current_actor()) return a->runtime();
  refuse_forking_actor("spawn", where);
  throw_misuse("spawn", "weir::spawn needs a running actor", "a plain thread",
               "Call it inside weir::run([] { ... }), or use spawn of the weir::runtime you mean.", where);
}

scope_node& root_of(runtime_core& r) noexcept { return r.root(); }

}  // namespace weir::internal
