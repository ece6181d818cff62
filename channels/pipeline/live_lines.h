// What a live view says about a pipeline: how far it is, where its items are, and which stage holds up the others.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/channels/pipeline/report.h"
#include "weir/channels/pipeline/status_lines.h"

namespace weir::internal {

enum class run_stage : std::uint8_t {
  running,
  draining,
  drained,    // ended, and the source may have had more
  ended,      // the source had no more, or nobody wanted more
  cut_short,  // by a failure or a cancel
};

struct live_figures {
  std::string name;
  run_stage stage = run_stage::running;
  pipeline_report sums;            // from the beginning
  pipeline_report lately;          // of the last second or so; of a run that has ended, the same as `sums`
  double rate = 0;                 // items of the source a second
  std::optional<double> eta = {};  // seconds, while it runs and knows
  double cores_busy = 0;           // by this process, lately
  int cores = 1;
};

// Three lines, for a terminal of so many columns.
std::vector<styled_line> live_lines(const live_figures& f, int columns);
// The same in one.
styled_line live_line(const live_figures& f);

}  // namespace weir::internal
