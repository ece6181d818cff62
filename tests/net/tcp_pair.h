// What tests of TCP share: the two ends of a connection.
//
// Thread-safety: as the streams.
#pragma once

#include <cstdint>
#include <utility>

#include "weir/net/address.h"
#include "weir/net/tcp.h"

namespace testing {

inline weir::net::address loopback(std::uint16_t port) { return *weir::net::address::ip("127.0.0.1", port); }

// Two ends of one connection.
struct tcp_pair {
  weir::net::tcp_stream client, server;
};
inline tcp_pair connected(const weir::net::tcp_listener& at) {
  weir::net::tcp_stream client = weir::net::tcp_connect(at.at());
  return {std::move(client), *at.accept()};
}

}  // namespace testing
