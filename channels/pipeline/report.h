// What a pipeline did: figures of each stage.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weir {

struct stage_report {
  std::string name;
  std::string kind;
  int parallel = 1;
  bool queued = false;                      // it has a queue before it, and actors of its own
  long long capacity = 0;                   // of that queue
  std::int64_t in = 0, out = 0;             // items
  std::int64_t errors = 0;                  // calls that failed
  std::int64_t retries = 0;                 // calls made once more
  std::chrono::nanoseconds starved{0};      // waited for input; of all its actors together
  std::chrono::nanoseconds blocked{0};      // waited to get rid of output
  std::chrono::nanoseconds p50{0}, p99{0};  // of the calls of its function
};

struct pipeline_report {
  std::vector<stage_report> stages;  // the source first
  std::chrono::nanoseconds took{0};

  // The stage that held up the others: busy itself, while those before it were blocked and those behind it starved.
  // Null if none did.
  const stage_report* bottleneck() const noexcept;
  // A table for people.
  std::string text() const;
  // One JSON object; times in seconds.
  std::string json() const;
  // The graph, for Graphviz.
  std::string dot() const;
};

namespace internal {
struct run_state;
// The figures up to now.
pipeline_report make_report(const run_state& run);
}  // namespace internal

}  // namespace weir
