// How many cores this process may use: affinity mask and cgroup quota count.
#pragma once

namespace weir::internal {

// At least 1. Reads files; not for hot paths.
int usable_cores();

}  // namespace weir::internal
