// Runs one hidden test case in a process of its own, for tests whose subject is how a process dies or what it prints.
#pragma once

#include <string>

namespace testing {

struct child_end {
  int exit_status = -1;  // -1: it was ended by a signal
  int signal = 0;
  std::string output;  // stdout and stderr
};

// Runs the test case `name`, tagged [.child], with this test's program. `environment`: further NAME=VALUE, may be null.
child_end run_child(const std::string& name, const char* environment = nullptr);

}  // namespace testing
