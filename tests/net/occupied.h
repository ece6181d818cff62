// What a process has taken of the machine's memory.
#pragma once

#include <cstddef>
#include <fstream>
#include <string>

#include "tests/sanitized.h"

namespace testing {

// Memory of the process's own, swapped out or not, and page tables, in bytes. Pages of files come and go as the machine
// has room. Says nothing of a program that is `sanitized`.
inline std::size_t occupied() {
  std::ifstream status("/proc/self/status");
  std::size_t kib = 0;
  for (std::string word; status >> word;)
    if (word == "RssAnon:" || word == "VmSwap:" || word == "VmPTE:") {
      std::size_t n = 0;
      status >> n;
      kib += n;
    }
  return kib * 1024;
}

}  // namespace testing
