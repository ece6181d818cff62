// What tests of pipelines share.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "weir/channels/pipeline/pipeline.h"

namespace testing {

// 0 to n - 1.
inline std::vector<int> numbers(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

template <class T>
std::vector<T> sorted(std::vector<T> v) {
  std::sort(v.begin(), v.end());
  return v;
}

inline const weir::stage_report& stage(const weir::pipeline_report& r, const std::string& name) {
  const auto found = std::find_if(r.stages.begin(), r.stages.end(), [&](const auto& s) { return s.name == name; });
  REQUIRE(found != r.stages.end());
  return *found;
}

// A source that never ends.
inline auto endless() {
  return weir::generate<int>([](const auto& emit) {
    for (int i = 0; emit(i); ++i) {
    }
  });
}

}  // namespace testing
