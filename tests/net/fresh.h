// Names and ports that no other test has, of this process or of another beside it.
//
// Thread-safety: all of it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <string>

namespace testing {

// An abstract name to listen on. By chance and not by the process: tests that run side by side share these names, and
// in their sandboxes often the process's number too.
inline std::string fresh_local_name() {
  static const std::string chance =
      std::to_string(std::random_device{}()) + "_" + std::to_string(std::random_device{}());
  static std::atomic<int> last{0};
  return "@weir_test_" + chance + "_" + std::to_string(++last);
}

// A port of 127.0.0.1 at which no datagram is heard, for as long as the process lives: its socket is connected to
// itself, and what comes from others the kernel refuses.
inline std::uint16_t deserted_datagram_port() {
  static const std::uint16_t port = [] {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    return ntohs(at.sin_port);
  }();
  return port;
}

}  // namespace testing
