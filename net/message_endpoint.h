// weir::net::message_endpoint: where a message socket binds or connects, as people write it for ZeroMQ.
//   "tcp://HOST:PORT"      TCP: a name, "127.0.0.1", "[::1]". To bind, HOST may be "*" (every IPv4 address of this
//                          machine) or one of its interfaces ("eth0"), and PORT 0 or "*": the kernel chooses one
//   "ipc://PATH"           a Unix socket at a path
//   "ipc://@NAME"          one in the abstract namespace, which is no file; to bind also "ipc://*", for which the
//                          kernel chooses a name
//   "inproc://NAME"        within a runtime
// What streams are bound and connected to is endpoint.h.
//
// Thread-safety: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/net/address.h"
#include "weir/net/endpoint.h"

namespace weir::net {

enum class message_transport : std::uint8_t { tcp, ipc, inproc };

struct message_endpoint {
  // The longest name of inproc, in bytes; libzmq's.
  static constexpr std::size_t longest_inproc = 256;

  message_transport over = message_transport::inproc;
  std::string name;        // of tcp the host, without brackets; of ipc the path or "@name", "@" if the kernel chooses
  std::uint16_t port = 0;  // of tcp; 0: to bind, the kernel chooses

  // To bind there, or to connect. They allocate, and throw bad_endpoint.
  static message_endpoint to_bind(std::string_view text);
  static message_endpoint to_connect(std::string_view text);
  // Where a TCP or Unix socket is bound.
  static message_endpoint of(const address& at);

  // "tcp://127.0.0.1:80", "tcp://*:0", "ipc:///run/x", "ipc://@name", "inproc://name": read again, it is the same.
  std::string text() const;

  // The same for streams: its text() is what local_listener and local_connect take. REQUIRES: not inproc.
  endpoint stream() const;
  // What to listen on: asks the kernel if the host is one of its interfaces, whose first IPv4 address it then is (or
  // IPv6, if it has no other). Throws bad_endpoint if it is not, net::error. REQUIRES: not inproc.
  address listen_address() const;

  friend bool operator==(const message_endpoint&, const message_endpoint&) = default;
};

}  // namespace weir::net
