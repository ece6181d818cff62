// A server of somebody else, started by a test and ended with it, in a folder of its own below /tmp: the path of a Unix
// socket must be short.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/examples/program.h"

namespace testing {

class server {
 public:
  server() {
    std::string pattern = "/tmp/weir_server_XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  server(const server&) = delete;
  ~server() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  const std::string& folder() const { return folder_; }

  // What it says goes to a file in its folder. It must not become a daemon.
  void start(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    const std::string log = folder_ + "/log";
    pid_ = fork();
    if (pid_ == 0) {
      dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
      dup2(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDOUT_FILENO);
      dup2(STDOUT_FILENO, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    REQUIRE(pid_ > 0);
  }

  // Until `ready()`; fails with what the server has said if it ends before.
  template <class Ready>
  void await(Ready ready) {
    while (!ready()) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        FAIL("the server has ended: " << content_of(folder_ + "/log"));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  void stop(int signal = SIGINT) {
    if (pid_ <= 0) return;
    kill(pid_, signal);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }

 private:
  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace testing
