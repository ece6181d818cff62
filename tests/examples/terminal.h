// A terminal that a program under test can print on.
//   terminal            the test reads what was printed
//   redirected_stderr   the test itself prints there, or into a file
//
// Thread-safety: none.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

namespace testing {

class terminal {
 public:
  explicit terminal(int columns = 100, int rows = 24) : fd_(posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(fd_ >= 0);
    REQUIRE(grantpt(fd_) == 0);
    REQUIRE(unlockpt(fd_) == 0);
    resize(columns, rows);
    path_ = ptsname(fd_);
    // Ours too: else what was written could be lost when the program, the only other one, closes it.
    keep_ = open(path_.c_str(), O_RDWR | O_NOCTTY);
    REQUIRE(keep_ >= 0);
  }
  terminal(const terminal&) = delete;
  ~terminal() {
    close(keep_);
    close(fd_);
  }

  const std::string& path() const { return path_; }
  void resize(int columns, int rows) const {
    const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    REQUIRE(ioctl(fd_, TIOCSWINSZ, &size) == 0);
  }
  // Waits until `text` was printed; the test's time limit is the limit.
  void wait_for(const std::string& text) {
    while (screen_.find(text) == std::string::npos) read_some();
  }
  // All that was printed. REQUIRES: the program has ended.
  const std::string& screen() {
    pollfd ready{fd_, POLLIN, 0};
    while (poll(&ready, 1, 0) == 1) read_some();
    return screen_;
  }

 private:
  void read_some() {
    char buffer[4096];
    const ssize_t got = read(fd_, buffer, sizeof buffer);
    REQUIRE(got > 0);
    screen_.append(buffer, static_cast<std::size_t>(got));
  }

  int fd_;
  int keep_;
  std::string path_;
  std::string screen_;
};

// Our own stderr goes to `path` as long as this lives.
class redirected_stderr {
 public:
  explicit redirected_stderr(const std::string& path) : before_(dup(STDERR_FILENO)) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_NOCTTY, 0600);
    REQUIRE(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
    close(fd);
  }
  redirected_stderr(const redirected_stderr&) = delete;
  ~redirected_stderr() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }

 private:
  int before_;
};

}  // namespace testing
