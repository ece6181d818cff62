// weir::net::address: where a socket is, as the kernel knows it: an IPv4 or IPv6 address with a port, or a Unix name.
//
// Thread-safety: a value.
//
// An endpoint (endpoint.h) is what people write, with a name of a host that may have to be looked up; an address is
// what comes out of that.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::net {

class address {
 public:
  // The longest path or abstract name, in bytes: sockaddr_un has no room for more.
  static constexpr std::size_t longest_local = sizeof(sockaddr_un::sun_path) - 1;

  address() noexcept;  // of no family
  // As accept, getpeername, recvfrom fill it in. REQUIRES: `size` is what the kernel said.
  address(const sockaddr* at, socklen_t size) noexcept;

  // "127.0.0.1", "::1", "fe80::1%eth0" or "fe80::1%2". Empty if the text is no number: then it is a name.
  static std::optional<address> ip(std::string_view host, std::uint16_t port) noexcept;
  // A path, or with a leading '@' a name of the abstract namespace, which is no file. "@" alone lets the kernel choose.
  // Empty if it is longer than longest_local, is empty, or a path with a zero byte.
  static std::optional<address> local(std::string_view path) noexcept;
  // Of the socket itself, of its peer. Throws net::error.
  static address of_socket(int fd);
  static address of_peer(int fd);

  const sockaddr* data() const noexcept { return &at_.any; }
  socklen_t size() const noexcept { return size_; }
  // AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC if it is none.
  int family() const noexcept { return at_.any.sa_family; }
  bool is_ip() const noexcept { return family() == AF_INET || family() == AF_INET6; }
  bool is_loopback() const noexcept;

  // 0 if it has none.
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  // "127.0.0.1", "::1"; of a Unix socket its path or "@name", empty if it has no name.
  std::string host() const;
  // "127.0.0.1:80", "[::1]:80", "/run/x", "@name", "(unnamed)", printable.
  std::string text() const;

  friend bool operator==(const address& a, const address& b) noexcept;

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  } at_;
  socklen_t size_;
};

// Bytes that do not print are written as \x00.
std::string printable(std::string_view raw);

}  // namespace weir::net
