#include "tests/net/zmtp/codec_fuzz.h"

#include <catch2/catch.hpp>

#include "tests/changed_seeds.h"

TEST_CASE("the codec reads the fuzzer's seeds, and changed ones, the same in whatever pieces") {
  const auto seeds = fuzz::codec_seeds();
  CHECK(testing::try_changed(seeds, fuzz::codec) > 10 * seeds.size());
}
