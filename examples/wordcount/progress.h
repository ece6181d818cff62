// progress: what the user sees on stderr while it counts: a bar that is redrawn on a terminal, else a line now and
// then.
//
// Thread-safety: none; used by main, through weir::blocking, as a terminal may be stopped.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "examples/wordcount/tally.h"
#include "weir/channels/pipeline/status_lines.h"

namespace wordcount {

class progress {
 public:
  using clock = std::chrono::steady_clock;

  // How often to call tick().
  static constexpr std::chrono::milliseconds beat{100};

  // `t` outlives it.
  progress(const tally& t, bool quiet);

  // Shows how far it is.
  void tick(clock::time_point now = clock::now());
  // Prints a line, above the bar if there is one. Also when quiet.
  void say(const std::string& line);

 private:
  std::string figures(std::uint64_t done, std::uint64_t whole, bool whole_known, double rate) const;

  const tally& tally_;
  const bool quiet_;
  weir::status_lines screen_;  // wipes the bar at the end
  weir::smoothed_rate rate_;   // bytes per second
};

}  // namespace wordcount
