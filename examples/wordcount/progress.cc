#include "examples/wordcount/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "weir/channels/pipeline/short_text.h"

namespace wordcount {

progress::progress(const tally& t, bool quiet) : tally_(t), quiet_(quiet), screen_(std::chrono::seconds(5)) {}

void progress::tick(clock::time_point now) {
  if (quiet_) return;
  const bool whole_known = !tally_.listing.load(std::memory_order_relaxed);
  const std::uint64_t done = tally_.read.load(std::memory_order_relaxed);
  const std::uint64_t whole = std::max(done, tally_.listed.load(std::memory_order_relaxed));
  const std::string text = figures(done, whole, whole_known, rate_.update(static_cast<std::int64_t>(done), now));
  if (screen_.terminal()) {
    weir::styled_line line;
    const int bar = std::min(40, screen_.width() - static_cast<int>(text.size()) - 1);
    if (bar >= 10) line.bar(whole > 0 ? static_cast<double>(done) / static_cast<double>(whole) : 0, bar).add(" ");
    screen_.draw({line.add(text)});
  } else if (screen_.line_due(now)) {
    say("wordcount: " + text);
  }
}

std::string progress::figures(std::uint64_t done, std::uint64_t whole, bool whole_known, double rate) const {
  return fmt::format("{} of {}{}, {}/s, ETA {}", weir::short_bytes(static_cast<double>(done)),
                     weir::short_bytes(static_cast<double>(whole)), whole_known ? "" : " listed so far",
                     weir::short_bytes(rate),
                     whole_known && rate > 0 ? weir::short_clock(static_cast<double>(whole - done) / rate) : "unknown");
}

void progress::say(const std::string& line) { screen_.print(line + "\n"); }

}  // namespace wordcount
