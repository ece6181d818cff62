#include "weir/channels/pipeline/stage_call.h"

#include <fmt/core.h>

#include <exception>

namespace weir::internal {

std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";  // it stays in `failure`
  }
}

void throw_pipeline_error(const node_base& stage, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (...) {
    std::throw_with_nested(pipeline_error(stage.name(), text_of(failure)));
  }
}

void begin_measured(const node_base& stage, stage_meter& meter) {
  meter.in.next_group(now(), stage.options().timeout.count() != 0);
  this_actor::maybe_yield();
}

void throw_too_long(const node_base& stage) {
  const double ms = static_cast<double>(stage.options().timeout.count()) * 1e-6;
  throw timed_out(fmt::format("an item took longer than .timeout = {} ms", ms));
}

}  // namespace weir::internal
