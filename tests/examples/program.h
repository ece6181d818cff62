// program: runs a program of examples/ as a user would, and tells how it ended and what it printed.
//
// Thread-safety: none; tests run one after the other.
#pragma once

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/sanitized.h"

namespace testing {

// A folder of the test's own; it goes with the object.
class scratch {
 public:
  scratch() {
    const char* const base = std::getenv("TEST_TMPDIR");
    std::string pattern =
        (base ? std::string(base) : std::filesystem::temp_directory_path().string()) + "/examples_XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  scratch(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(const std::string& name) const { return path_ / name; }
  // Makes a file, and returns its path.
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct outcome {
  int status;       // exit status, or 128 + signal
  std::string out;  // empty if it went to a file
  std::string err;
  long peak_kib;  // peak resident memory
};

// A program that runs; its stdout and stderr go to files, so that no pipe can fill up.
class program {
 public:
  // `arguments[0]` is the path of the program. `unprivileged`: file permissions hold for it even if we are root.
  explicit program(std::vector<std::string> arguments, std::string out_path = "", std::string err_path = "",
                   bool unprivileged = false)
      : keep_out_(!out_path.empty()),
        keep_err_(!err_path.empty()),
        out_path_(keep_out_ ? std::move(out_path) : own_ / "out"),
        err_path_(keep_err_ ? std::move(err_path) : own_ / "err") {
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) become(argv.data(), unprivileged);
    REQUIRE(pid_ > 0);
  }
  program(const program&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const { REQUIRE(kill(pid_, signal) == 0); }
  outcome wait() {
    int status = 0;
    rusage used{};
    REQUIRE(wait4(pid_, &status, 0, &used) == pid_);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), keep_out_ ? "" : content_of(out_path_),
            keep_err_ ? "" : content_of(err_path_), used.ru_maxrss};
  }

 private:
  [[noreturn]] void become(char** argv, bool unprivileged) {
    if (unprivileged) {
      // Without them in the bounding set, exec does not give them back to root.
      prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
      prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
    }
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open(out_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    dup2(open(err_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0600), STDERR_FILENO);
    execv(argv[0], argv);
    _exit(127);
  }

  scratch own_;
  bool keep_out_, keep_err_;
  std::string out_path_, err_path_;
  pid_t pid_ = -1;
};

inline outcome run(std::vector<std::string> arguments) { return program(std::move(arguments)).wait(); }
inline outcome shell(const std::string& script) { return run({"/bin/bash", "-c", script}); }

}  // namespace testing
