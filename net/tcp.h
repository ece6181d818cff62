// TCP.
//   tcp_listener("0.0.0.0:8080")   for (auto& conn : listener) ...
//   tcp_connect("127.0.0.1:80")    a tcp_stream; also to an address, or to the first of several that answers
//   tcp_stream                     a stream (stream.h) with TCP's options
//
// Thread-safety: as stream.h and listener.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "weir/net/address.h"
#include "weir/net/listener.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {

// When the kernel asks a silent peer whether it is still there, and gives the connection up: after idle + probes *
// interval. Whole seconds, from 1.
struct keep_alive_options {
  std::chrono::seconds idle{60};
  std::chrono::seconds interval{10};
  int probes = 6;
};

struct tcp_options {
  // Small writes go out at once, and are not held back for the peer's acknowledgement (Nagle's algorithm off).
  bool no_delay = true;
  std::optional<keep_alive_options> keep_alive = {};
  // The kernel's buffers in bytes; it doubles them, and bounds them. 0: what it thinks best.
  int send_buffer = 0, receive_buffer = 0;
};

class tcp_stream : public stream {
 public:
  tcp_stream() = default;  // refers to none
  explicit tcp_stream(internal::socket_stream* adopted) noexcept : stream(adopted) {}

  const address& peer(site where = site::current()) const { return socket("peer", where).peer(); }
  // This side's. Throws net::error if it is closed, as do the options.
  address local(site where = site::current()) const;

  void no_delay(bool on, site where = site::current()) const;
  // Empty: off.
  void keep_alive(std::optional<keep_alive_options> options, site where = site::current()) const;

  // Closes with a reset: what the kernel has not sent is thrown away, and the peer's next read is `reset`. For
  // peers that broke the protocol, and servers that must not wait. Does not park.
  void abort(site where = site::current()) const;

 private:
  internal::socket_stream& socket(const char* call, site where) const {
    return static_cast<internal::socket_stream&>(core(call, where));
  }
};

struct tcp_listen_options {
  // Connections that the kernel keeps until they are accepted; its own limit (net.core.somaxconn) counts as well.
  int backlog = 4096;
  // A port that connections of an earlier server still use can be listened on at once.
  bool reuse_address = true;
  // Several listeners on one port, among which the kernel deals by a hash. One listener with several actors is better.
  bool reuse_port = false;
  // "[::]:80" takes no IPv4 connections.
  bool v6_only = false;
  // Of accepted connections.
  tcp_options connections = {};
};

class tcp_listener : public basic_listener<tcp_stream> {
 public:
  tcp_listener() = default;  // refers to none
  // Listens: "0.0.0.0:8080", "[::]:80", "*:0" (the kernel chooses the port). Does not park. Throws bad_endpoint (a name
  // of a host among them), net::error (in use, no permission, ...).
  explicit tcp_listener(std::string_view at, const tcp_listen_options& options = {});
  explicit tcp_listener(const address& at, const tcp_listen_options& options = {});

  // Another handle to the same listener.
  tcp_listener share(site where = site::current()) const;

 private:
  explicit tcp_listener(std::shared_ptr<internal::acceptor> core) noexcept : basic_listener(std::move(core)) {}
};

struct tcp_connect_options {
  tcp_options stream = {};
  // The address of this side; port 0: the kernel chooses.
  std::optional<address> from = {};
  // Of several addresses: how long one is given before the next is tried beside it (RFC 8305, section 5).
  std::chrono::nanoseconds stagger = std::chrono::milliseconds(250);
};

// Connects. Parks until the peer has answered, at most until `limit`; a cancel throws weir::cancelled. Throws
// net::error: refused, unreachable, or timeout. Allocates.
tcp_stream tcp_connect(const address& to, deadline limit = {}, const tcp_connect_options& options = {});
// "127.0.0.1:80", "[::1]:80"; throws bad_endpoint also for the name of a host, which has to be resolved first.
tcp_stream tcp_connect(std::string_view to, deadline limit = {}, const tcp_connect_options& options = {});
// The first of several addresses that answers. The families take turns, beginning with the first address's; the next
// one is tried after options.stagger, or at once when one has failed; those that come too late are closed (RFC 8305,
// sections 4 and 5). If all fail, throws the error of the first that did. On a plain thread one after the other. Throws
// misuse if there is none.
tcp_stream tcp_connect(std::span<const address> to, deadline limit = {}, const tcp_connect_options& options = {},
                       site where = site::current());

}  // namespace weir::net
