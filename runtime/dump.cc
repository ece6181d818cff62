#include "weir/runtime/dump.h"

#include "weir/runtime/internal/process.h"

namespace weir {

void dump_actors(int fd) { internal::process_report(fd); }

}  // namespace weir
