// options: the command line of wordcount.
//
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace wordcount {

struct options {
  std::vector<std::string> paths;  // never empty
  std::size_t top = 10;
  std::optional<int> workers;  // none: one per core
  bool json = false;
  bool quiet = false;
  bool help = false;
};

// The command line breaks a rule. what() says the rule, the value and the remedy.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads the arguments behind the program's name. Throws usage_error.
options parse_options(const std::vector<std::string>& arguments);

extern const char* const help_text;

}  // namespace wordcount
