#include "examples/wordcount/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace wordcount {

namespace {

constexpr std::chrono::seconds between_lines{5};
// The rate forgets what was longer ago than some of these seconds.
constexpr double memory = 2;

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

bool can_redraw() { return isatty(STDERR_FILENO) && environment("TERM") != "dumb"; }

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// Three digits and a unit of 10^3, as disks are sold: "4.56 GB".
std::string bytes(double n) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (n >= 999.5 && unit + 1 < units.size()) n /= 1000, ++unit;
  const int decimals = unit == 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", n, decimals, units[unit]);
}

std::string duration(double seconds) {
  const auto s = static_cast<long long>(std::ceil(seconds));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

progress::progress(const tally& t, bool quiet)
    : tally_(t), quiet_(quiet), terminal_(can_redraw()), color_(terminal_ && environment("NO_COLOR").empty()) {}

void progress::tick(clock::time_point now) {
  if (quiet_) return;
  const bool whole_known = !tally_.listing.load(std::memory_order_relaxed);
  const std::uint64_t done = tally_.read.load(std::memory_order_relaxed);
  const std::uint64_t whole = std::max(done, tally_.listed.load(std::memory_order_relaxed));

  const double passed = std::max(1e-3, std::chrono::duration<double>(now - last_tick_).count());
  const double newest = static_cast<double>(done - last_done_) / passed;
  rate_ = last_done_ == 0 ? newest : rate_ + (newest - rate_) * -std::expm1(-passed / memory);
  last_tick_ = now;
  last_done_ = done;

  if (terminal_) {
    draw(figures(done, whole, whole_known), whole > 0 ? static_cast<double>(done) / static_cast<double>(whole) : 0);
  } else if (now - last_line_ >= between_lines) {
    last_line_ = now;
    say("wordcount: " + figures(done, whole, whole_known));
  }
}

std::string progress::figures(std::uint64_t done, std::uint64_t whole, bool whole_known) const {
  const auto left = static_cast<double>(whole - done);
  return fmt::format("{} of {}{}, {}/s, ETA {}", bytes(static_cast<double>(done)), bytes(static_cast<double>(whole)),
                     whole_known ? "" : " listed so far", bytes(rate_),
                     whole_known && rate_ > 0 ? duration(left / rate_) : "unknown");
}

void progress::draw(const std::string& figures, double part) {
  // The last column stays free: some terminals wrap as soon as it is written.
  const int room = terminal_width() - 1;
  const int bar = std::min(40, room - static_cast<int>(figures.size()) - 3);
  std::string line = "\r";
  if (bar >= 10) {
    const int full = std::clamp(static_cast<int>(part * bar), 0, bar);
    line +=
        fmt::format("[{}{:=<{}}{}{:{}}] ", color_ ? "\x1b[32m" : "", "", full, color_ ? "\x1b[0m" : "", "", bar - full);
  }
  line += figures.substr(0, static_cast<std::size_t>(std::max(0, room)));
  line += "\x1b[K";  // wipes what a longer line before it left
  std::fputs(line.c_str(), stderr);
  drawn_ = true;
}

void progress::say(const std::string& line) {
  wipe();
  std::fputs((line + "\n").c_str(), stderr);
}

void progress::wipe() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace wordcount
