// What every stage of a pipeline can be told.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weir {

// Whether a parallel stage gives its results on in the order of its inputs.
enum class stage_order : std::uint8_t {
  kept,  // a slow item holds back those behind it, but no more than fit into the buffer
  free,  // as they come
};
inline constexpr stage_order ordered = stage_order::kept, unordered = stage_order::free;

struct stage_options {
  // How many actors run the stage at once, from 1. With more than one its function is called by several at once.
  int parallel = 1;
  stage_order order = ordered;
  // Items that may wait before the stage, 1 to 16 777 216. 0: as many as suit it. A stage that is not parallel runs in
  // the actor of the stage before it, without a queue, unless this is set.
  long long buffer = 0;
  // In errors, reports and dumps. Empty: what it is, and its number.
  std::string name = {};
  // How long one call of the stage's function may take until it is cancelled and counts as failed. 0: no limit.
  std::chrono::nanoseconds timeout{0};
};

}  // namespace weir
