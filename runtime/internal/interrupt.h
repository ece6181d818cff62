// What an operation does when its wait was interrupted by a cancel.
#pragma once

#include "weir/runtime/internal/parker.h"

namespace weir::internal {

// Throws weir::cancelled, unless an exception is in flight in the calling actor: then it returns, and the caller acts
// as if its peer were gone. `verb` names the operation. Only an actor's wait can be interrupted.
void meet_cancel(const char* verb);

// For an operation that found its source closed: in a cancelled scope that is the cancel's doing, so it counts as one.
inline void closed_or_cancelled(const char* verb) {
  if (current_parker().claim().cancel_pending()) meet_cancel(verb);
}

}  // namespace weir::internal
