#include "weir/runtime/sync/internal/holder.h"

#include <fmt/core.h>

#include "weir/runtime/internal/actor_core.h"

namespace weir::internal {

std::string describe_holder(const parker& p) {
  const auto* const a = dynamic_cast<const actor_core*>(&p);
  return a != nullptr ? fmt::format("actor \"{}\" (#{})", a->name(), a->id()) : "a plain thread";
}

std::string describe_place(const char* what, site where) {
  return fmt::format("{} {}:{}", what, where.base(), where.line);
}

}  // namespace weir::internal
