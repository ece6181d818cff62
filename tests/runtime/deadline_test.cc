#include "weir/runtime/base/deadline.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

TEST_CASE("a deadline from a duration counts from now, and one from nothing is never") {
  const auto before = std::chrono::steady_clock::now();
  const weir::deadline d = 5ms;
  CHECK(d.at() >= before + 5ms);
  CHECK_FALSE(d.is_never());
  CHECK(weir::deadline().is_never());
  CHECK_FALSE(weir::deadline().expired());
}

TEST_CASE("durations too long for the clock mean never, negative ones have expired") {
  CHECK(weir::deadline(std::chrono::hours::max()).is_never());
  CHECK(weir::deadline(std::chrono::nanoseconds::max()).is_never());
  CHECK(weir::deadline(1e300 * 1s).is_never());
  CHECK(weir::deadline(-1s).expired());
  CHECK(weir::deadline(std::chrono::hours::min()).expired());
}

TEST_CASE("a fraction of a nanosecond rounds up: never early") {
  const auto before = std::chrono::steady_clock::now();
  const weir::deadline d = std::chrono::duration<double, std::nano>(0.5);
  CHECK(d.at() > before);
}
