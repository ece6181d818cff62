#include "tests/net/http/http_fuzz.h"

#include <catch2/catch.hpp>

#include "tests/changed_seeds.h"

TEST_CASE("the HTTP codec reads the seeds of its fuzzer, and changed ones, the same in whatever pieces") {
  const auto seeds = fuzz::http_seeds();
  CHECK(testing::try_changed(seeds, fuzz::http) > 10 * seeds.size());
}
