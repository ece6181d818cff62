// What is fuzzed, without a fuzzer: its seeds, and what a few changes make of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/testing.h"

namespace testing {

// Calls `f`, which ends the program if something is wrong, with each seed and some hundred changes of it. Returns how
// many calls that were. `letters`: what bytes are put in, for texts that few of all bytes mean anything to; all if
// empty.
template <class F>
std::size_t try_changed(const std::vector<std::string>& seeds, F f, std::string_view letters = {}) {
  std::mt19937 random(20240607);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const auto some = [&] { return letters.empty() ? static_cast<char>(below(256)) : letters[below(letters.size())]; };
  std::size_t calls = 0;
  for (const std::string& seed : seeds) {
    f(seed), ++calls;
    for (int round = 0; round < rounds(300); ++round) {
      std::string changed = seed;
      for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
        const std::size_t at = below(std::min<std::size_t>(changed.size(), 400));
        switch (below(4)) {
          case 0:
            changed[at] = some();
            break;
          case 1:
            changed[at] = static_cast<char>(changed[at] ^ (1 << below(8)));
            break;
          case 2:
            changed.erase(at, 1 + below(8));
            break;
          default:
            changed.insert(at, 1 + below(8), some());
        }
        if (changed.empty()) break;
      }
      f(changed), ++calls;
    }
  }
  return calls;
}

}  // namespace testing
