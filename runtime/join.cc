#include "weir/runtime/join.h"

#include <fmt/core.h>

namespace weir::internal {

void throw_late(const char* call, std::size_t left, site where) {
  throw timed_out(fmt::format("{} at {}:{}: {} actor{} had not ended when the time was up", call, where.base(),
                              where.line, left, left == 1 ? "" : "s"));
}

}  // namespace weir::internal
