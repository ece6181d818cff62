// weir::net::endpoint: where to listen or connect, as people write it.
//   "HOST:PORT", "[::1]:80", "*:80"     TCP, or what the caller says
//   "tcp://HOST:PORT", "udp://..."      the same, spelled out
//   "/run/x", "./x", "unix:///run/x"    a Unix socket at a path
//   "@NAME", "unix://@NAME"             a Unix socket in the abstract namespace, which is no file
// HOST is a number or a name; "*" is every IPv4 address of this machine.
//
// Thread-safety: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "weir/net/address.h"

namespace weir::net {

// A text that is no endpoint. what(): `endpoint "tcp:/localhost:80": expected "tcp://HOST:PORT"; found one '/' after
// "tcp:" (column 5)`.
class bad_endpoint : public std::invalid_argument {
 public:
  bad_endpoint(std::string_view text, const std::string& expected, const std::string& found, std::size_t column);
  // Where it goes wrong: the first character is 1.
  std::size_t column() const noexcept { return column_; }

 private:
  std::size_t column_;
};

enum class transport : std::uint8_t { tcp, udp, local };

struct endpoint {
  transport over = transport::tcp;
  std::string host;        // as written, without brackets; of a Unix socket the path or "@name"
  std::uint16_t port = 0;  // 0: to listen, the kernel chooses

  // `assumed`: what HOST:PORT without a scheme means. Throws bad_endpoint.
  static endpoint parse(std::string_view text, transport assumed = transport::tcp);

  // Without a look-up: empty if the host is a name.
  std::optional<address> numeric() const noexcept;
  // "tcp://127.0.0.1:80", "udp://[::1]:53", "unix:///run/x", "unix://@name".
  std::string text() const;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

// "tcp://127.0.0.1:80": how errors and reports name an address of that kind.
std::string text_of(transport over, const address& at);

}  // namespace weir::net
