#include "weir/runtime/gather.h"

#include <fmt/core.h>

namespace weir::internal {

void throw_not_gathered(const char* call, site where) {
  throw actor_cancelled(
      fmt::format("{} at {}:{} was cancelled before it had all results", call, where.base(), where.line));
}

void settle_failures(std::vector<std::exception_ptr> found, const gather_options& options) {
  std::exception_ptr first;
  if (options.on_error == failure_policy::finish_rest && !found.empty()) {
    first = found.front();
    found.erase(found.begin());
  }
  if (options.failures) *options.failures = std::move(found);
  if (first) std::rethrow_exception(first);
}

}  // namespace weir::internal
