#include "weir/channels/actors/on_exit.h"

#include <fmt/core.h>

#include "weir/runtime/base/errors.h"

namespace weir::internal {

actor_exit_case::actor_exit_case(actor_core& a, site at) : event_case(a.exited(), at), actor_(a) {
  if (&a == current_actor())
    throw_misuse("on_exit", "an actor cannot wait for its own end", fmt::format("actor \"{}\" (#{})", a.name(), a.id()),
                 "Watch it from another actor.", at);
}

std::string actor_exit_case::describe() const { return fmt::format("exit \"{}\" (#{})", actor_.name(), actor_.id()); }

}  // namespace weir::internal
