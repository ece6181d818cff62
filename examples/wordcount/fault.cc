#include "examples/wordcount/fault.h"

#include <fmt/format.h>

#include <system_error>

namespace wordcount {

std::string reason_of(int error) { return std::generic_category().message(error); }

std::string describe(const fault& f) {
  std::string line;
  for (const char c : f.path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      line += fmt::format("\\x{:02x}", byte);
    else
      line += c;
  }
  return (line.empty() ? "\"\"" : line) + ": " + f.reason;
}

}  // namespace wordcount
