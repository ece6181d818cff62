#include "tests/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

namespace testing {

child_end run_child(const std::string& name, const char* environment) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);

  // Without the variables by which Bazel would have the child write this test's report.
  std::vector<char*> variables;
  std::string extra = environment ? environment : "";
  for (char** e = environ; *e != nullptr; ++e)
    if (std::strncmp(*e, "XML_OUTPUT_FILE=", 16) != 0 && std::strncmp(*e, "TESTBRIDGE_TEST_ONLY=", 21) != 0 &&
        (extra.empty() || std::strncmp(*e, extra.c_str(), extra.find('=') + 1) != 0))
      variables.push_back(*e);
  if (!extra.empty()) variables.push_back(extra.data());
  variables.push_back(nullptr);

  std::string program = "/proc/self/exe", test = name;
  std::array<char*, 3> arguments{program.data(), test.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  child_end end;
  std::array<char, 4096> buffer;
  for (ssize_t n; error == 0 && (n = read(ends[0], buffer.data(), buffer.size())) > 0;)
    end.output.append(buffer.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  if (error != 0 || waitpid(pid, &status, 0) != pid) return {};
  if (WIFEXITED(status)) end.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace testing
