// For tests of deadlocks and of what only looks like one.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <regex>
#include <string>
#include <thread>
#include <utility>

#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/quiescence.h"
#include "weir/runtime/runtime.h"

namespace testing {

// A report whose lines of source are all N.
inline std::string without_lines(const std::string& report) {
  return std::regex_replace(report, std::regex("(\\.cc|\\.h):[0-9]+"), "$1:N");
}

// The report of a program that ends in a deadlock.
template <class F>
std::string report_of(F main) {
  try {
    weir::runtime r({.workers = workers()});
    r.run(std::move(main));
  } catch (const weir::deadlock& d) {
    check_expectations();
    return without_lines(d.what());
  }
  return "no deadlock was found";
}

// Says when, since it was made, somebody has looked for a deadlock that often.
class looks {
 public:
  explicit looks(std::uint64_t count = 2) noexcept : end_(weir::internal::looks_for_life.load() + count) {}
  bool seen() const noexcept { return weir::internal::looks_for_life.load() >= end_; }
  // A wait long enough for a look to come in between: longer each time, for slow machines.
  std::chrono::milliseconds pause() noexcept { return pause_ *= 2; }
  // On a plain thread.
  void await() const {
    while (!seen()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  const std::uint64_t end_;
  std::chrono::milliseconds pause_{30};
};

}  // namespace testing
