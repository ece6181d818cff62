#include <fmt/core.h>

#include "weir/channels/internal/broadcast_core.h"
#include "weir/runtime/base/errors.h"

namespace weir::internal {

std::size_t checked_broadcast_capacity(long long capacity, std::string_view name, site where) {
  constexpr long long most = 1 << 24;
  if (capacity < 1 || capacity > most)
    throw_misuse("broadcast", fmt::format("capacity must be 1..{}", most),
                 fmt::format("{} for broadcast \"{}\"", capacity, name),
                 "Take as many as a receiver may lie behind before it misses values.", where);
  return static_cast<std::size_t>(capacity);
}

}  // namespace weir::internal
