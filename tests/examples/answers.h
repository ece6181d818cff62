// A server of the test's own that answers what it is told to.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/examples/nginx.h"

namespace testing {

// To its n-th connection it gives the n-th of `texts`, the last one to all later ones, and closes it. One after the
// other, by a thread of its own.
class answers {
 public:
  explicit answers(std::vector<std::string> texts) : texts_(std::move(texts)), thread_([this] { serve(); }) {}
  answers(const answers&) = delete;
  ~answers() {
    shutdown(port_.descriptor(), SHUT_RDWR);  // ends accept()
    thread_.join();
  }

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + port_.number() + path; }
  // Requests that have come.
  std::size_t asked() const { return asked_; }

 private:
  void serve() {
    for (int fd; (fd = accept4(port_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0; close(fd)) {
      std::string head;
      std::array<char, 4096> piece;
      for (ssize_t n; head.find("\r\n\r\n") == std::string::npos;) {
        if ((n = read(fd, piece.data(), piece.size())) <= 0) break;
        head.append(piece.data(), static_cast<std::size_t>(n));
      }
      const std::string& text = texts_[std::min(asked_.fetch_add(1), texts_.size() - 1)];
      for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
    }
  }

  const std::vector<std::string> texts_;
  const reserved_port port_{true};
  std::atomic<std::size_t> asked_{0};
  std::thread thread_;  // last: it uses the others
};

}  // namespace testing
