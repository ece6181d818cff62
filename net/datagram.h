// Datagrams: UDP, and Unix sockets that keep the limits of messages.
//   udp_socket("0.0.0.0:5000")      send_to, recv_from
//   udp_connect("127.0.0.1:5000")   to one peer only: send, recv
//   local_datagram("@name")         the same within this machine; local_datagram_connect
//
// Thread-safety: all of it, but for assigning, moving and reset. Any number of actors may send and receive on one
// socket at once; each datagram goes to one of them.
//
// A handle is one reference (share()); the last one to go closes. Works from plain threads, which then block.
//
// Every call that can wait: a datagram (to send: room) wakes it. `limit` ends it with `timeout`; close() with `closed`;
// a cancel throws weir::cancelled (while the caller unwinds: `closed`). A call that need not wait tries before it looks
// at clock or cancel. Other failures throw net::error. Nothing allocates but the making.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/address.h"
#include "weir/net/buffer.h"
#include "weir/net/io_result.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {
namespace internal {
class datagram_core;
}

struct [[nodiscard]] received {
  io_status status = io_status::ok;  // `end` never comes; `reset`: see recv_from
  int code = 0;                      // an errno with `reset`, else 0
  std::size_t bytes = 0;             // in the buffer
  std::size_t size = 0;              // as it was sent: the rest is lost if it is more than `bytes`
  address from;                      // of no family if a Unix peer has no name

  bool truncated() const noexcept { return size > bytes; }
  explicit operator bool() const noexcept { return status == io_status::ok; }
};

class datagram_socket {
 public:
  datagram_socket() = default;  // refers to none
  datagram_socket(datagram_socket&&) noexcept = default;
  datagram_socket& operator=(datagram_socket&&) noexcept = default;

  // Another handle to the same socket.
  datagram_socket share() const { return datagram_socket(core_); }

  // Parks until a datagram is there and takes it. What does not fit into the buffer is lost, which `truncated()` tells.
  // An empty datagram is ok with 0 bytes. `reset`: the kernel says that something sent before did not arrive (of a
  // connected socket; ECONNREFUSED: nobody listens there); the socket goes on.
  received recv_from(mutable_buffer into, deadline limit = {}, site where = site::current()) const;
  // The same, without asking who sent it.
  io_result recv(mutable_buffer into, deadline limit = {}, site where = site::current()) const;

  // Sends one datagram, all of it or nothing. Parks while the kernel, or a Unix peer, has no room. `too_long`: it is
  // longer than any that can be sent (UDP: 65 507 bytes over IPv4). `reset` as above; of a Unix peer that is gone too.
  io_result send_to(const_buffer from, const address& to, deadline limit = {}, site where = site::current()) const;
  // To the peer it is connected to. Throws net::error if it is to none.
  io_result send(const_buffer from, deadline limit = {}, site where = site::current()) const;

  // Calls in progress, of other actors, end with `closed`; so do all later ones. Idempotent, does not park.
  void close(site where = site::current()) const;
  // Gives the handle up; the last one closes.
  void reset() noexcept { core_.reset(); }

  // This side's address, with the port that the kernel has chosen.
  address at(site where = site::current()) const;
  // `udp://0.0.0.0:5000`, or the peer's if it is connected.
  std::string name(site where = site::current()) const;

  explicit operator bool() const noexcept { return core_ != nullptr; }

 protected:
  explicit datagram_socket(std::shared_ptr<internal::datagram_core> core) noexcept : core_(std::move(core)) {}

 private:
  internal::datagram_core& core(const char* call, site where) const;

  std::shared_ptr<internal::datagram_core> core_;
};

struct udp_options {
  bool reuse_address = false;
  bool broadcast = false;  // may send to broadcast addresses
  bool v6_only = false;
  // The kernel's buffers in bytes; 0: what it thinks best. What finds the receive buffer full is lost.
  int send_buffer = 0, receive_buffer = 0;
};

class udp_socket : public datagram_socket {
 public:
  udp_socket() = default;  // refers to none
  // "127.0.0.1:0": the kernel chooses the port. Does not park. Throws bad_endpoint, net::error.
  explicit udp_socket(std::string_view at, const udp_options& options = {});
  explicit udp_socket(const address& at, const udp_options& options = {});

 private:
  friend udp_socket udp_connect(const address&, const udp_options&);
  explicit udp_socket(std::shared_ptr<internal::datagram_core> core) noexcept : datagram_socket(std::move(core)) {}
};

// A socket that sends to one address and takes datagrams from there only. Nothing is sent yet, and it does not park.
udp_socket udp_connect(const address& to, const udp_options& options = {});
udp_socket udp_connect(std::string_view to, const udp_options& options = {});

class local_datagram : public datagram_socket {
 public:
  local_datagram() = default;  // refers to none
  // At "/run/x" or "@name"; "@": the kernel chooses an abstract name. The file stays when the socket goes; a stale one
  // is in the way. Throws bad_endpoint, net::error.
  explicit local_datagram(std::string_view at);

 private:
  friend local_datagram local_datagram_connect(std::string_view, std::string_view);
  explicit local_datagram(std::shared_ptr<internal::datagram_core> core) noexcept : datagram_socket(std::move(core)) {}
};

// To one peer; `at` is this side's own name, by which it can be answered.
local_datagram local_datagram_connect(std::string_view to, std::string_view at = "@");

}  // namespace weir::net
