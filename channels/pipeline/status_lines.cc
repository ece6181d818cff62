#include "weir/channels/pipeline/status_lines.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "weir/runtime/internal/quiet_write.h"

namespace weir {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}
bool can_redraw() {
  const std::string_view term = environment("TERM");
  return isatty(STDERR_FILENO) && !term.empty() && term != "dumb";
}

winsize window() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) size = {};
  if (size.ws_col == 0) size.ws_col = 80;
  if (size.ws_row == 0) size.ws_row = 24;
  return size;
}

// In one call if the system lets it, so that nothing of the program's gets in between. What cannot be written is lost:
// it was for somebody who looks on.
void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = internal::quiet_write(STDERR_FILENO, text);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

// The character that `text` begins with: its bytes, at least 1, and its columns. `printable`: as UTF-8 has it, and none
// that the terminal would obey.
struct glyph {
  std::size_t bytes;
  int columns;
  bool printable;
};
glyph first_glyph(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, 1, lead >= 0x20 && lead != 0x7f};
  const std::size_t bytes = lead >= 0xf5 ? 0 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (bytes == 0 || bytes > text.size()) return {1, 1, false};
  // What does not go on as it began is no character: a control byte may stand there.
  for (std::size_t i = 1; i < bytes; ++i)
    if ((byte(i) & 0xc0) != 0x80) return {1, 1, false};
  // Nor what is spelled longer than it need be.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90)) return {1, 1, false};
  // U+0080 to U+009F are control characters too.
  if (bytes == 2) return {2, 1, lead != 0xc2 || byte(1) >= 0xa0};
  // From U+1100 on a character may be two columns wide; to think so of all of them wraps no line.
  const bool wide = bytes == 4 || lead > 0xe1 || byte(1) >= 0x84;
  return {bytes, wide ? 2 : 1, true};
}

}  // namespace

styled_line& styled_line::add(std::string_view text, color c) {
  pieces_.emplace_back(text, c);
  return *this;
}

styled_line& styled_line::bar(double share, int columns) {
  const int full = std::clamp(static_cast<int>(share * columns), 0, columns);
  add(std::string(static_cast<std::size_t>(full), '#'), color::green);
  return add(std::string(static_cast<std::size_t>(columns - full), '-'));
}

int styled_line::width() const {
  int columns = 0;
  for (const auto& [text, c] : pieces_)
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(first_glyph(rest).bytes))
      columns += first_glyph(rest).columns;
  return columns;
}

std::string styled_line::text(int columns, bool colors) const {
  std::string out;
  for (const auto& [text, c] : pieces_) {
    if (colors && c != color::none) out += c == color::green ? "\033[32m" : "\033[33m";
    for (std::string_view rest = text; !rest.empty();) {
      const glyph g = first_glyph(rest);
      if (columns < g.columns) {
        columns = 0;  // nor does anything behind it fit
        break;
      }
      columns -= g.columns;
      if (g.printable)
        out += rest.substr(0, g.bytes);
      else
        out += '?';
      rest.remove_prefix(g.bytes);
    }
    if (colors && c != color::none) out += "\033[0m";
  }
  return out;
}

status_lines::status_lines(clock::duration between) noexcept
    : between_(between), terminal_(can_redraw()), colors_(terminal_ && environment("NO_COLOR").empty()) {}

int status_lines::width() const noexcept { return window().ws_col - 1; }

void status_lines::draw(std::vector<styled_line> lines) {
  if (!terminal_) return;
  drawn_ = std::move(lines);
  write_all(frame());
}

// ESC D goes down a row and scrolls if there is none, ESC 7 and ESC 8 keep and restore the cursor (ECMA-48, DEC VT100).
std::string status_lines::frame() const {
  const winsize size = window();
  const std::size_t rows = std::min<std::size_t>(drawn_.size(), std::max(1, size.ws_row - 2));
  if (rows == 0) return wiped();
  std::string out;
  for (std::size_t i = 0; i < rows; ++i) out += "\033D";  // makes room, without leaving the column
  out += fmt::format("\033[{}A\0337\033[K", rows);
  for (std::size_t i = 0; i < rows; ++i) out += "\033[B\r" + drawn_[i].text(size.ws_col - 1, colors_) + "\033[K";
  return out + "\033[J\0338";  // wipes what a block with more lines, or in a narrower window, has left
}
std::string status_lines::wiped() const { return "\033[J"; }

bool status_lines::line_due(clock::time_point now) {
  if (terminal_ || now - last_line_ < between_) return false;
  last_line_ = now;
  return true;
}

void status_lines::print(const std::vector<styled_line>& lines) {
  const int columns = terminal_ ? width() : std::numeric_limits<int>::max();
  // Where the cursor is, nobody knows: the echo of a Ctrl-C may stand before it. As many spaces as the window has
  // columns lead to the next row, but at the beginning of one, where a terminal waits for one more before it wraps.
  std::string text = terminal_ ? std::string(static_cast<std::size_t>(columns) + 1, ' ') + "\r\033[K" : "";
  for (const styled_line& line : lines) text += line.text(columns, colors_) + "\n";
  print(text);
}
void status_lines::print(const std::string& text) { write_all(drawn_.empty() ? text : wiped() + text + frame()); }

void status_lines::wipe() {
  if (drawn_.empty()) return;
  drawn_.clear();
  write_all(wiped());
}

double smoothed_rate::update(std::int64_t done, clock::time_point now) noexcept {
  constexpr double memory = 2;  // seconds; what was longer ago than some of these is forgotten
  const double passed = std::max(1e-3, std::chrono::duration<double>(now - last_).count());
  const double newest = static_cast<double>(done - done_) / passed;
  rate_ = done_ == 0 ? newest : rate_ + (newest - rate_) * -std::expm1(-passed / memory);
  last_ = now;
  done_ = done;
  return rate_;
}

}  // namespace weir
