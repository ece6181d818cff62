#include "weir/runtime/internal/core_time.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

namespace weir::internal {
namespace {

using buffer = std::array<char, 512>;

std::string_view read_of(pid_t id, const char* file, buffer& text) noexcept {
  *fmt::format_to_n(text.data(), text.size() - 1, "/proc/self/task/{}/{}", id, file).out = '\0';
  const int fd = open(text.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t length = read(fd, text.data(), text.size());
  close(fd);
  return {text.data(), static_cast<std::size_t>(length < 0 ? 0 : length)};
}

// Takes a number and what follows it off the front.
std::chrono::nanoseconds take_number(std::string_view& text) noexcept {
  long long number = 0;
  const char* const end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return std::chrono::nanoseconds(number);
}

}  // namespace

core_time core_time_of(pid_t id) noexcept {
  buffer text;
  core_time t;
  std::string_view line = read_of(id, "schedstat", text);
  t.had = take_number(line);
  t.waited_for = take_number(line);
  // "ID (name) STATE ...", and a name may have anything in it.
  line = read_of(id, "stat", text);
  const std::size_t name_end = line.rfind(") ");
  t.wanted = name_end != line.npos && line.substr(name_end + 2).substr(0, 1) == "R";
  return t;
}

}  // namespace weir::internal
