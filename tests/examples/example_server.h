// A server of examples/ that says where it listens, started by a test; it ends by SIGTERM.
//
// Thread-safety: none.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/examples/program.h"

namespace testing {

class example_server {
 public:
  explicit example_server(std::vector<std::string> arguments)
      : program_(std::move(arguments), folder_ / "said", folder_ / "err") {
    const std::string expected = "listening on tcp://127.0.0.1:";
    std::string said;
    while ((said = content_of(folder_ / "said")).find('\n') == said.npos) {
      INFO(content_of(folder_ / "err"));
      usleep(1000);  // the test's time limit is the limit
    }
    REQUIRE(said.starts_with(expected));
    port_ = said.substr(expected.size(), said.find('\n') - expected.size());
  }

  example_server(const example_server&) = delete;
  // One that a failed test leaves behind does not outlive it.
  ~example_server() {
    if (ended_) return;
    kill(pid(), SIGKILL);
    waitpid(pid(), nullptr, 0);
  }

  const std::string& port() const { return port_; }
  std::string endpoint() const { return "127.0.0.1:" + port_; }
  std::string complaints() const { return content_of(folder_ / "err"); }

  // Its exit status, and its peak memory.
  outcome terminate() {
    program_.send(SIGTERM);
    return wait();
  }
  outcome wait() {
    ended_ = true;
    return program_.wait();
  }
  pid_t pid() const { return program_.pid(); }

 private:
  scratch folder_;
  program program_;
  std::string port_;
  bool ended_ = false;
};

}  // namespace testing
