// Sockets without weir: the peers that misbehave, and servers that never answer. They block.
//
// Thread-safety: none.
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace testing {

class raw_socket {
 public:
  explicit raw_socket(int fd) noexcept : fd_(fd) {}
  raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  raw_socket& operator=(raw_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~raw_socket() {
    if (fd_ >= 0) close(fd_);
  }

  // To 127.0.0.1.
  static raw_socket connected(std::uint16_t port) {
    raw_socket made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(made.fd_ >= 0);
    const sockaddr_in to = loopback(port);
    REQUIRE(connect(made.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    return made;
  }
  static raw_socket bound() {
    raw_socket made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(made.fd_ >= 0);
    const sockaddr_in at = loopback(0);
    REQUIRE(bind(made.fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    return made;
  }
  static raw_socket listening(int backlog) {
    raw_socket made = bound();
    REQUIRE(listen(made.fd_, backlog) == 0);
    return made;
  }
  raw_socket accepted() const {
    raw_socket made(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(made.fd_ >= 0);
    return made;
  }

  int fd() const noexcept { return fd_; }
  std::uint16_t port() const {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    return ntohs(at.sin_port);
  }
  void send_all(std::string_view text) const {
    REQUIRE(send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  // Of TCP: the peer's kernel has all that was sent.
  bool arrived() const {
    int left = -1;
    REQUIRE(ioctl(fd_, SIOCOUTQ, &left) == 0);
    return left == 0;
  }
  // Until the end.
  std::string receive_all() const {
    std::string all;
    char part[4096];
    for (ssize_t n; (n = recv(fd_, part, sizeof part, 0)) > 0;) all.append(part, static_cast<std::size_t>(n));
    return all;
  }
  // The peer reads a reset.
  void reset() {
    const linger none{1, 0};
    REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
    close(std::exchange(fd_, -1));
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) noexcept {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    return at;
  }

  int fd_;
};

// Listens, and answers nobody: its queue is full, so the kernel drops whoever wants to connect.
class black_hole {
 public:
  black_hole() : listener_(raw_socket::listening(0)) {
    // One more than the backlog gets in; further ones hang.
    fillers_.push_back(raw_socket::connected(listener_.port()));
  }
  std::uint16_t port() const { return listener_.port(); }

 private:
  raw_socket listener_;
  std::vector<raw_socket> fillers_;
};

// How many descriptors this process has: the least of some looks, as a runtime's watchdog opens a file now and then.
inline std::size_t open_descriptors() {
  std::size_t least = SIZE_MAX;
  for (int i = 0; i < 3; ++i) {
    DIR* const folder = opendir("/proc/self/fd");
    REQUIRE(folder != nullptr);
    std::size_t count = 0;
    while (readdir(folder) != nullptr) ++count;
    closedir(folder);
    least = std::min(least, count - 3);  // ".", "..", and the folder's own
  }
  return least;
}

// A port of 127.0.0.1 on which nobody listens, or can: it is taken, for as long as the process lives.
inline std::uint16_t deserted_port() {
  static const raw_socket taken = raw_socket::bound();
  return taken.port();
}

}  // namespace testing
