// options: the command line of fetch.
//
// Thread-safety: pure functions.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace fetcher {

struct options {
  std::vector<std::string> urls;  // of the command line
  std::string list;               // a file of more; empty: none
  int concurrency = 32;
  int per_host = 0;  // 0: as many as concurrency
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  int retries = 2;
  int rate = 0;  // 0: no limit
  std::string out, ca;
  bool json = false, quiet = false, help = false;
};

// The command line breaks a rule. what() says the rule, the value and the remedy.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads the arguments behind the program's name. Throws usage_error.
options parse_options(const std::vector<std::string>& arguments);
// "1.5s", "200ms", "2m", "30". Throws usage_error.
std::chrono::nanoseconds parse_duration(const std::string& option, const std::string& text);

extern const char* const help_text;

}  // namespace fetcher
