// report: what came of the URLs, one by one and all together.
//
// Thread-safety: a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fetcher {

struct outcome {
  std::size_t index = 0;  // among the URLs, from 0
  std::string url = {};
  unsigned status = 0;     // 0: no response
  std::string error = {};  // why it has failed; empty: it has not
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds took{0};
  int attempts = 1;

  bool failed() const { return !error.empty(); }
};

struct report {
  std::vector<outcome> outcomes;  // in the order in which they came
  std::size_t urls = 0;           // that were asked for
  std::size_t failed = 0;
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds took{0};
  bool stopped = false;  // by Ctrl-C

  void add(outcome o);
};

// "200    1.2ms   1.02 kB  http://h/x", or "fail ..." with the reason; without the end of the line.
std::string line_of(const outcome& o);
// While it runs: "34 of 100, 2 failed, 12/s, ETA 6s". `rate`: URLs in a second; 0: nobody knows how long it takes.
std::string progress_of(const report& r, double rate);
// Counts, percentiles of the latency, a histogram.
std::string as_text(const report& r);
std::string as_json(const report& r);

// The time below or at which `share` (0 to 1) of `sorted` lie (nearest rank). REQUIRES: not empty.
std::chrono::nanoseconds percentile(const std::vector<std::chrono::nanoseconds>& sorted, double share);
// Rows of "up to", a bar and a count; each reaches to twice as much as the one before. Empty for none.
std::string histogram(const std::vector<std::chrono::nanoseconds>& sorted, int columns);

}  // namespace fetcher
