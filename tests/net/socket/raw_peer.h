// A peer of a message socket by hand: what its handshake is, and then bytes.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "tests/net/raw_socket.h"
#include "weir/net/zmtp/handshake.h"

namespace testing {

inline std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

// To "ipc://@name".
inline raw_socket connected_to(const std::string& endpoint) {
  const std::string name = endpoint.substr(endpoint.find('@') + 1);
  raw_socket made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  REQUIRE(name.size() < sizeof to.sun_path);
  std::copy(name.begin(), name.end(), to.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  REQUIRE(connect(made.fd(), reinterpret_cast<const sockaddr*>(&to), size) == 0);
  return made;
}

// Up to the end of its handshake. Blocks.
inline raw_socket shaken(raw_socket s, weir::net::zmtp::socket_type type, std::string identity = {}) {
  using namespace weir::net::zmtp;
  handshake_options o;
  o.type = type;
  o.identity = std::move(identity);
  handshake h(std::move(o));
  while (h.status() == handshake_status::running) {
    s.send_all(h.output());
    h.sent(h.output().size());
    char part[1024];
    const ssize_t n = recv(s.fd(), part, sizeof part, 0);
    if (n <= 0) break;
    h.feed(std::string_view(part, static_cast<std::size_t>(n)));
  }
  return s;
}
inline raw_socket shaken(std::uint16_t port, weir::net::zmtp::socket_type type = weir::net::zmtp::socket_type::push,
                         std::string identity = {}) {
  return shaken(raw_socket::connected(port), type, std::move(identity));
}

}  // namespace testing
