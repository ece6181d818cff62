#include "weir/runtime/internal/failure_sink.h"

#include <fmt/core.h>

#include <cstdio>
#include <string>

#include "weir/runtime/internal/actor_core.h"

namespace weir::internal {

void failure_sink::report(const actor_core& a, const std::exception_ptr& failure) const noexcept {
  if (handler_) {
    handler_(a.name(), failure);
    return;
  }
  std::string text = "something that is no std::exception";
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    text = e.what();
  } catch (...) {
  }
  fmt::print(
      stderr,
      "weir: actor \"{}\" (#{}, spawned at {}:{}) failed and nobody joins it: {}. Join it, spawn it in a scope, or set "
      "runtime_options.on_unhandled.\n",
      a.name(), a.id(), a.where().base(), a.where().line, text);
  std::terminate();
}

}  // namespace weir::internal
