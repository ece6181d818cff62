#include "weir/channels/actors/registry.h"

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir {
namespace {

internal::runtime_core& runtime_of_caller(site where) {
  if (internal::actor_core* const a = internal::current_actor()) return a->runtime();
  internal::throw_misuse("registry", "the registry belongs to a runtime", "a plain thread, which has none",
                         "Use it in an actor, or say whose: weir::registry(runtime).", where);
}

}  // namespace

registry::registry(site where) : table_(runtime_of_caller(where).extensions().get<internal::registry_table>()) {}

registry::registry(runtime& r) : table_(r.core().extensions().get<internal::registry_table>()) {}

}  // namespace weir
