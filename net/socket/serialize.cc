#include "weir/net/socket/serialize.h"

#include <fmt/format.h>

#include "weir/net/zmtp/violation.h"

namespace weir::net {
namespace {

std::string in_words(const message& m) {
  if (m.empty()) return "no frame";
  const std::string beginning = zmtp::printable(m.front().text());
  if (m.size() == 1) return fmt::format("a frame of {} octets, {}", m.front().size(), beginning);
  constexpr std::size_t most = 8;
  std::string sizes;
  for (std::size_t i = 0; i < m.size() && i < most; ++i) sizes += fmt::format("{}{}", i ? ", " : "", m[i].size());
  return fmt::format("{} frames, of {}{} octets, the first {}", m.size(), sizes, m.size() > most ? ", ..." : "",
                     beginning);
}

}  // namespace

bad_message::bad_message(const message& got, std::string_view rule, std::string_view remedy)
    : std::runtime_error(fmt::format("{}; got {}. {}", rule, in_words(got), remedy)) {}

namespace internal {

void throw_no_text(const message& got) {
  throw bad_message(got, "a std::string is one frame",
                    "Give weir::from the type that was sent, or weir::net::message for whatever comes.");
}
void throw_no_number(const message& got, std::size_t octets) {
  throw bad_message(got, fmt::format("a number of {0} octets is one frame of {0}", octets),
                    "Give weir::from the type that was sent, or weir::net::message for whatever comes.");
}

}  // namespace internal
}  // namespace weir::net
