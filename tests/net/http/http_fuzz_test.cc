// What is fuzzed, without a fuzzer: its seeds, and what a few changes make of them.
#include "tests/net/http/http_fuzz.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <random>
#include <string>

#include "tests/testing.h"

TEST_CASE("the HTTP codec reads the seeds of its fuzzer, and changed ones, the same in whatever pieces") {
  std::mt19937 random(20261121);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (const std::string& seed : fuzz::http_seeds()) {
    fuzz::http(seed);  // ends the program if something is wrong
    for (int round = 0; round < testing::rounds(300); ++round) {
      std::string changed = seed;
      for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
        const std::size_t at = below(std::min<std::size_t>(changed.size(), 400));
        switch (below(4)) {
          case 0:
            changed[at] = static_cast<char>(below(256));
            break;
          case 1:
            changed[at] = static_cast<char>(changed[at] ^ (1 << below(8)));
            break;
          case 2:
            changed.erase(at, 1 + below(8));
            break;
          default:
            changed.insert(at, 1 + below(8), static_cast<char>(below(256)));
        }
        if (changed.empty()) break;
      }
      fuzz::http(changed);
    }
  }
  SUCCEED();
}
