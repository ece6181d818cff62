// What a pipeline did: figures of each stage.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct stage_report {
  std::string name;
  std::string kind;
  std::vector<std::size_t> before = {};  // which of the report's stages it has its items from; none: a source
  int parallel = 1;
  bool may_be_parallel = false;             // .parallel is for it
  bool queued = false;                      // it has a queue before it, and actors of its own
  long long capacity = 0;                   // of that queue
  long long waiting = 0;                    // items in it
  std::int64_t in = 0, out = 0;             // items
  std::int64_t in_flight = 0;               // taken in and not given on; counted where there is a queue
  std::int64_t errors = 0;                  // calls that failed
  std::int64_t retries = 0;                 // calls made once more
  std::chrono::nanoseconds starved{0};      // waited for input; of all its actors together
  std::chrono::nanoseconds blocked{0};      // waited to get rid of output
  std::chrono::nanoseconds p50{0}, p99{0};  // of the calls of its function, failed ones included: estimates
};

// Of a pipeline that runs: the figures up to now, each read by itself, so that sums over stages may be out by some.
struct pipeline_report {
  std::vector<stage_report> stages;  // each behind those before it
  std::chrono::nanoseconds took{0};
  std::optional<std::int64_t> total = {};  // items that the source has, if it knows
  std::int64_t bytes = 0, of_bytes = 0;    // of a source that reads a file, and knows its size: how much it has read

  // Which stage is the first of those that run in the same actors as this one: it has the queue, or is a source.
  std::size_t group_of(std::size_t stage) const noexcept;
  // How many items its sources have given.
  std::int64_t items() const noexcept;
  // How much of its source it has taken, 0 to 1, if the source knows its size.
  std::optional<double> share() const noexcept;
  // What happened since `earlier`, a report of the same run: in, out, errors, retries, starved, blocked and took are
  // the differences.
  pipeline_report since(const pipeline_report& earlier) const;

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
