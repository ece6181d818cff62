#include "tests/net/websocket/frames_fuzz.h"

#include <catch2/catch.hpp>

#include "tests/changed_seeds.h"

TEST_CASE("the WebSocket codec reads the seeds of its fuzzer, and changed ones, the same in whatever pieces") {
  const auto seeds = fuzz::frames_seeds();
  CHECK(testing::try_changed(seeds, fuzz::frames) > 10 * seeds.size());
}
