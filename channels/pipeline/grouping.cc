#include "weir/channels/pipeline/grouping.h"

#include <fmt/core.h>

namespace weir::internal {

void require_at_least_one(const char* call, const char* what, long long n, const char* remedy, site where) {
  if (n < 1) throw_misuse(call, fmt::format("{} must be 1 or more", what), std::to_string(n), remedy, where);
}
void require_duration(const char* call, std::chrono::nanoseconds d, const char* remedy, site where) {
  if (d.count() <= 0)
    throw_misuse(call, "the time must be more than zero", std::to_string(d.count()) + " ns", remedy, where);
}

}  // namespace weir::internal
