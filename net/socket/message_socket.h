// weir::net::message_socket: what all message sockets have in common; README.md says which type is for what.
//   bind, connect, unbind, disconnect   where the peers are
//   close                               the end, and what was left unsent
//   events, statistics, peers           what happens to the peers
//   sends<S>, receives<S>               send, recv and their kin, for the types that have them
//
// Thread-safety: all of it, from actors on any worker and from plain threads, which then block; only moving and
// destroying need exclusion: see the destructor.
//
// A socket has a queue for each peer in each direction (socket_options: high water), and an actor pair for each
// connection, of the runtime in which it was made. What a peer does costs that peer its connection and nobody else
// anything. Messages are whole: all frames, or none.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/channels/receiver.h"
#include "weir/channels/status.h"
#include "weir/net/message.h"
#include "weir/net/socket/internal/socket_core.h"
#include "weir/net/socket/peer_event.h"
#include "weir/net/socket/socket_options.h"
#include "weir/net/socket/socket_statistics.h"
#include "weir/net/zmtp/socket_type.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {

class message_socket {
 public:
  message_socket(message_socket&& other) noexcept = default;
  message_socket& operator=(message_socket&& other) noexcept;
  // close(options.linger), without throwing. REQUIRES: no call, select or iterator of anybody else uses the socket, not
  // even one that this would end. So where others may wait: close(), join them, and then destroy.
  ~message_socket();

  // Listens there, and returns the endpoint with the port or name that the kernel has chosen: what unbind() takes, and
  // others connect to. Throws bad_endpoint, net::error (EADDRINUSE, for a name of inproc too; closed). Does not park,
  // but with ipc as local_listener does (local.h).
  std::string bind(std::string_view endpoint, site where = site::current());
  // Connects there now, and again whenever the connection is lost, until disconnect() or close(), or the peer refuses
  // this side by ERROR, as for its credentials: then what waits for the endpoint is lost, and only another connect()
  // tries again. Does not park: what goes wrong is told by events() and statistics(). DEALER, SUB, PUB and REQ that
  // connect to an endpoint of tcp or ipc already do nothing, as libzmq's. Throws bad_endpoint, net::error (closed).
  void connect(std::string_view endpoint, site where = site::current());
  // Stops listening or connecting there. Connections of a bound endpoint end; so does that of a connected one, with
  // what waits for it. False: there is none of that text. Parks until that is done, which takes no peer's help;
  // what came over inproc to a bound endpoint may be there a moment longer.
  bool unbind(std::string_view endpoint, site where = site::current());
  bool disconnect(std::string_view endpoint, site where = site::current());
  // What the last bind() returned, or the last connect() was given.
  std::string last_endpoint(site where = site::current()) const;

  // Ends the socket. Sends are `closed` from now on. Parks until all that is unsent has been given to the kernel, and
  // then until each peer has read it and ended its side, which it does as soon as it comes to the end of what was sent;
  // or until `linger`. Then connections end, and other calls that wait here. What comes meanwhile is not received.
  // Later calls return at once. Without `linger`: options.linger. While the caller unwinds, or when it is cancelled, it
  // does not wait for peers; a cancel arrives at the next park.
  close_result close(deadline linger, site where = site::current());
  close_result close(site where = site::current());

  // Peer events from now on; of several callers each event goes to one. What does not fit into `capacity` is not kept.
  receiver<peer_event> events(std::size_t capacity = 1024, site where = site::current());
  socket_statistics statistics(site where = site::current()) const;
  std::vector<peer_statistics> peers(site where = site::current()) const;
  // Parks until at least `n` peers are connected: true. False: `limit` came, or the socket is closed. A cancel throws
  // weir::cancelled (while unwinding: false).
  bool wait_peers(std::size_t n, deadline limit = {}, site where = site::current()) const;

  zmtp::socket_type type(site where = site::current()) const;
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select, and for what is built on sockets.
  internal::socket_core& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_moved_socket(call, where);
    return *core_;
  }

 protected:
  message_socket(zmtp::socket_type type, socket_options options, site where);
  std::shared_ptr<internal::socket_core> shared_core() const noexcept { return core_; }

 private:
  void finish() noexcept;

  std::shared_ptr<internal::socket_core> core_;
};

// What sockets that send have. Routing is the type's.
template <class Socket>
class sends {
 public:
  // Parks until the message is in the queue of a peer: true. False once the socket is closed; then the message was not
  // moved from. Room wakes it, and so does a peer that comes; close() ends it. A cancel throws weir::cancelled (while
  // unwinding: false). Allocates.
  bool send(message&& m, site where = site::current()) const {
    return self("send", where).send(m, deadline::never(), where) == send_status::ok;
  }
  // The same, at most until `limit`. With room even an expired deadline succeeds.
  send_status send(message&& m, deadline limit, site where = site::current()) const {
    return self("send", where).send(m, limit, where);
  }
  // Never waits; as any operation, it gives way to others now and then.
  send_status try_send(message&& m, site where = site::current()) const {
    return self("try_send", where).try_send(m, where);
  }

  using sending = Socket;

 private:
  internal::socket_core& self(const char* call, site where) const {
    return static_cast<const Socket*>(this)->core(call, where);
  }
};

// What sockets that receive have.
template <class Socket>
class receives {
 public:
  // Parks until there is a message, from the peers in turn. Empty once the socket is closed, and what had come before
  // is read. A cancel throws weir::cancelled (while unwinding: empty).
  std::optional<message> recv(site where = site::current()) const {
    internal::incoming in;
    if (self("recv", where).recv(in, deadline::never(), where) != recv_status::ok) return std::nullopt;
    return std::move(in.body);
  }
  // The same, at most until `limit`. With a message there even an expired deadline succeeds.
  recv_result<message> recv(deadline limit, site where = site::current()) const {
    internal::incoming in;
    const recv_status status = self("recv", where).recv(in, limit, where);
    return result(status, in);
  }
  // Never waits; gives way as try_send() does.
  recv_result<message> try_recv(site where = site::current()) const {
    internal::incoming in;
    const recv_status status = self("try_recv", where).try_recv(in);
    return result(status, in);
  }

  // recv() over and over, until closed: for (message& m : socket).
  class iterator {
   public:
    using value_type = message;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(const receives& from) : from_(&from) { ++*this; }
    message& operator*() const noexcept { return *value_; }
    message* operator->() const noexcept { return &*value_; }
    iterator& operator++() {
      value_ = from_->recv(site{});
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !value_.has_value(); }

   private:
    const receives* from_ = nullptr;
    mutable std::optional<message> value_;
  };
  iterator begin() const { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  using receiving = Socket;

 private:
  static recv_result<message> result(recv_status status, internal::incoming& in) {
    if (status != recv_status::ok) return {status, std::nullopt};
    return {status, std::move(in.body)};
  }
  internal::socket_core& self(const char* call, site where) const {
    return static_cast<const Socket*>(this)->core(call, where);
  }
};

}  // namespace weir::net
