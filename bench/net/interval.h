// What is measured between two lines that a program prints (side.h).
//
// Thread-safety: none.
#pragma once

#include <optional>

#include "bench/net/program.h"

namespace bench {

struct interval {
  double count;      // of messages, round trips, requests
  double elapsed;    // nanoseconds; so are all of these
  double cpu;        // of the program that measures
  double other_cpu;  // of the other one, if there is one
  struct latencies {
    double p50, p99;
  };
  std::optional<latencies> trips;
};

// Waits for "began" and "ended ..." of `measuring`; `other` has to live as long. Or no more of this program.
interval measure(program& measuring, program* other);

}  // namespace bench
