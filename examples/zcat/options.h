// options: the command line of zcat.
//
// Thread-safety: pure functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace zcat {

extern const char* const help_text;

struct options {
  std::string type;
  std::vector<std::string> bind, connect, topics;
  std::optional<std::string> data, file;
  std::optional<std::int64_t> count;
  std::optional<std::size_t> peers;
  std::chrono::nanoseconds interval{0}, linger = std::chrono::seconds(10);
  std::optional<std::chrono::nanoseconds> timeout;
  std::string identity;
  bool frames = false, json = false, report = false, help = false;
};

// The command line breaks a rule. what() says the rule, the value and the remedy.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads the arguments behind the program's name. Throws usage_error.
options parse_options(const std::vector<std::string>& arguments);

}  // namespace zcat
