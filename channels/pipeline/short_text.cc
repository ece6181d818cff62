#include "weir/channels/pipeline/short_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace weir {
namespace {

// `units`: for each power of 1000.
template <std::size_t n>
std::string scaled(double value, const std::array<const char*, n>& units) {
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < n) value /= 1000, ++unit;
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}{}", value, decimals, units[unit]);
}

}  // namespace

std::string short_number(double n) { return scaled(n, std::array{"", "k", "M", "G", "T"}); }
std::string short_bytes(double n) { return scaled(n, std::array{" B", " kB", " MB", " GB", " TB", " PB"}); }

std::string short_duration(std::chrono::nanoseconds d) {
  constexpr std::array units{"ns", "us", "ms", "s"};
  if (d.count() == 0) return "-";
  auto value = static_cast<double>(d.count());
  std::size_t unit = 0;
  // By what is printed: 999.7 has four digits then.
  while (std::abs(value) >= 999.5 && unit + 1 < units.size()) value /= 1000, ++unit;
  return std::abs(value) >= 999.5 ? fmt::format("{:.0f}{}", value, units[unit])
                                  : fmt::format("{:.3g}{}", value, units[unit]);
}

std::string short_clock(double seconds) {
  // A rate of next to nothing gives times that fit no calendar.
  const auto s = static_cast<long long>(std::ceil(std::clamp(seconds, 0.0, 3.6e9)));
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace weir
