// A few lines on standard error that are redrawn while a program works.
//   styled_line     text in pieces, some of them in color
//   status_lines    draws such lines, on a terminal below whatever the program prints; elsewhere a plain line now and
//   then smoothed_rate   how much comes in a second
//
// Thread-safety: none. A terminal may be stopped: actors draw in weir::blocking.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

class styled_line {
 public:
  enum class color : std::uint8_t { none, green, yellow };

  styled_line& add(std::string_view text, color c = color::none);
  // A bar of `columns`, filled to `share`, 0 to 1.
  styled_line& bar(double share, int columns);

  // Columns that it takes.
  int width() const;
  // As it is printed: no longer than `columns`, control bytes as '?'.
  std::string text(int columns, bool colors) const;

 private:
  std::vector<std::pair<std::string, color>> pieces_;
};

// On a terminal the cursor stays where the program left it, and the lines stand in the rows below it. So what the
// program prints in the meantime goes over them, and not into them; the next draw() moves them further down.
class status_lines {
 public:
  using clock = std::chrono::steady_clock;

  // Looks at standard error and the environment: TERM not set, or dumb: no terminal; NO_COLOR: no colors. Elsewhere
  // than on a terminal, lines come `between` after each other.
  explicit status_lines(clock::duration between = std::chrono::seconds(10)) noexcept;
  status_lines(const status_lines&) = delete;
  // Wipes what is drawn.
  ~status_lines() { wipe(); }

  bool terminal() const noexcept { return terminal_; }
  // Columns that a line may take now; the last one of the window stays free. 80 if nobody knows.
  int width() const noexcept;

  // On a terminal: draws them in place of those drawn before; no more than fit into the window.
  void draw(std::vector<styled_line> lines);
  // Elsewhere: whether it is time for a line, counted from the last one, or from the beginning.
  bool line_due(clock::time_point now = clock::now());
  // Prints what stays, above the lines that are drawn: lines, each in a row of its own and cut to the width of a
  // terminal; text as it is.
  void print(const std::vector<styled_line>& lines);
  void print(const std::string& text);
  // Takes away what is drawn.
  void wipe();

 private:
  std::string frame() const;
  std::string wiped() const;

  const clock::duration between_;
  const bool terminal_;
  const bool colors_;
  clock::time_point last_line_ = clock::now();
  std::vector<styled_line> drawn_;
};

// Smoothed over the last seconds, and right from the start.
class smoothed_rate {
 public:
  using clock = std::chrono::steady_clock;

  explicit smoothed_rate(clock::time_point begin = clock::now()) noexcept : last_(begin) {}
  // `done` in all, at `now`. Returns how much comes in a second.
  double update(std::int64_t done, clock::time_point now = clock::now()) noexcept;

 private:
  clock::time_point last_;
  std::int64_t done_ = 0;
  double rate_ = 0;
};

}  // namespace weir
