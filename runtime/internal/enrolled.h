// How a wait with several sources registers with one of them.
//
// Thread-safety: under the lock of the source.
#pragma once

#include <cstdint>

#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

enum class enrolled : std::uint8_t {
  waiting,    // the node is linked into the source
  done,       // completed at once; the owner is claimed by itself
  lost,       // somebody else claimed the owner: its wake is on the way
  again,      // another select is in the same step: withdraw all and come again
  cancelled,  // a cancel came that the owner has to serve
};

// For a source that is ready and has no peer to claim: the owner completes its own wait. If `lost`, it must take
// nothing from the source.
inline enrolled enroll_ready(const wait_node& node) noexcept {
  return node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
}

}  // namespace weir::internal
