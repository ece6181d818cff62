// What a child of a test says on stderr, for the child itself: to go on once something was said.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace testing {

// From its beginning to its end stderr goes here; then all of it goes where it went before.
class own_stderr {
 public:
  own_stderr() : before_(dup(STDERR_FILENO)) {
    if (pipe(ends_) != 0) std::perror("pipe"), _exit(1);
    dup2(ends_[1], STDERR_FILENO);
  }
  own_stderr(const own_stderr&) = delete;
  ~own_stderr() {
    dup2(before_, STDERR_FILENO);
    close(ends_[1]);
    while (read_more()) {  // to the end, which has come with that
    }
    if (write(before_, said_.data(), said_.size()) < 0) std::perror("write");
    close(before_);
    close(ends_[0]);
  }

  // Blocks until `text` was said, and the rest of its line. What else was said before and behind it is lost to nobody.
  const std::string& await(std::string_view text) {
    for (;;) {
      const auto at = said_.find(text);
      if (at != std::string::npos && said_.find('\n', at) != std::string::npos) return said_;
      read_more();
    }
  }

 private:
  bool read_more() {
    char buffer[1000];
    const auto n = read(ends_[0], buffer, sizeof buffer);
    if (n > 0) said_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  const int before_;
  int ends_[2];
  std::string said_;
};

}  // namespace testing
