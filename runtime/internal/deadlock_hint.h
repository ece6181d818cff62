// What to do about a deadlock, in one sentence that fits what its graph looks like.
//
// Thread-safety: as the graph.
#pragma once

#include <string>

#include "weir/runtime/internal/wait_graph.h"

namespace weir::internal {

std::string deadlock_hint(const wait_graph& graph);

}  // namespace weir::internal
