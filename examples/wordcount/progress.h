// progress: what the user sees on stderr while it counts: a bar that is redrawn on a terminal, else a line now and
// then.
//
// Thread-safety: none; used by main, through weir::blocking, as a terminal may be stopped.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "examples/wordcount/tally.h"

namespace wordcount {

class progress {
 public:
  using clock = std::chrono::steady_clock;

  // How often to call tick().
  static constexpr std::chrono::milliseconds beat{100};

  // `t` outlives it.
  progress(const tally& t, bool quiet);
  progress(const progress&) = delete;
  // Wipes the bar.
  ~progress() { wipe(); }

  // Shows how far it is.
  void tick(clock::time_point now = clock::now());
  // Prints a line, above the bar if there is one. Also when quiet.
  void say(const std::string& line);

 private:
  std::string figures(std::uint64_t done, std::uint64_t whole, bool whole_known) const;
  void wipe();
  void draw(const std::string& figures, double part);

  const tally& tally_;
  const bool quiet_;
  const bool terminal_;
  const bool color_;
  bool drawn_ = false;  // a bar is on the screen
  double rate_ = 0;     // bytes per second, smoothed
  std::uint64_t last_done_ = 0;
  clock::time_point last_tick_ = clock::now();
  clock::time_point last_line_ = clock::now();
};

}  // namespace wordcount
