// weir::net::socket_options: what a message socket is told when it is made.
//   push_socket out({.connect = "tcp://localhost:5557"});
//   router_socket r({.bind = {"tcp://*:5555", "inproc://jobs"}, .mandatory = true});
//
// Thread-safety: a value.
//
// The defaults are libzmq's, but for linger (there: for ever), the time for a handshake (there: 30 s) and the jitter of
// reconnects, which libzmq leaves out as soon as there is a maximum.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/net/zmtp/handshake.h"
#include "weir/net/zmtp/heartbeat.h"
#include "weir/net/zmtp/limits.h"

namespace weir {
class runtime;
}

namespace weir::net {

// None, one or several endpoints: "tcp://HOST:PORT", "ipc://PATH", "ipc://@NAME", "inproc://NAME".
class endpoint_list : public std::vector<std::string> {
 public:
  endpoint_list() = default;
  endpoint_list(const char* one) : vector{std::string(one)} {}                              // NOLINT
  endpoint_list(std::string one) : vector{std::move(one)} {}                                // NOLINT
  endpoint_list(std::initializer_list<std::string> several) : vector(several) {}            // NOLINT
  endpoint_list(std::vector<std::string> several) noexcept : vector(std::move(several)) {}  // NOLINT
};

// What happens to a message for a subscriber whose queue is full (PUB, XPUB).
enum class slow_subscriber : unsigned char {
  drop_newest,  // libzmq: the message does not reach this subscriber
  drop_oldest,  // the oldest one that waits for it goes instead
  block,        // the send waits until there is room; try_send() says full (libzmq's ZMQ_XPUB_NODROP)
  disconnect,   // the connection ends
};

struct socket_options {
  endpoint_list bind = {}, connect = {};
  // Who this is for a ROUTER at the other side; at most 255 octets, the first not zero. Of REQ, DEALER, ROUTER.
  std::string identity = {};

  // The most messages that wait for each peer before a send waits or drops, and that a peer may have sent before it is
  // not read any more; 0: no bound. The kernel's buffers come on top. What peers leave unread when they go counts for
  // all of them together: as long as that is ten times as much, bound endpoints (but of inproc) let nobody in, until
  // the program has read half of it.
  std::size_t send_high_water = 1000, receive_high_water = 1000;
  // The same in octets of memory: as soon as the messages take so much, no further one is let in. 0: no bound.
  std::size_t send_high_water_bytes = 0, receive_high_water_bytes = 0;
  // Of each queue only the last message is kept, and the others are counted as dropped; they must be of one frame then.
  bool conflate = false;
  bool immediate = false;  // messages go only to peers that are connected now; else they wait for those that will be

  // How long close() and the destructor give what is unsent; while the caller unwinds or is cancelled it is 0.
  std::chrono::nanoseconds linger = std::chrono::seconds(1);
  // Between the tries to connect, and as much again at random; doubled each time up to reconnect_most, if that is more.
  std::chrono::nanoseconds reconnect = std::chrono::milliseconds(100);
  std::chrono::nanoseconds reconnect_most{0};
  std::chrono::nanoseconds connect_time{0};                            // for one try; 0: what the kernel gives it
  std::chrono::nanoseconds handshake_time = std::chrono::seconds(10);  // all of it, from the connection on
  // Connections to a bound endpoint that have not finished their handshake: of more than that the oldest is closed.
  std::size_t unauthenticated = 1000;
  // The most subscriptions of one peer (PUB, XPUB), and the most octets of all its topics together, or its connection
  // ends; 0: no bound.
  std::size_t subscriptions = 100'000;
  std::size_t subscription_octets = 16 * 1024 * 1024;
  zmtp::heartbeat_options heartbeat = {};
  zmtp::limits limits = {};

  // PLAIN: the side that has a username is the client; the side that has `authenticate` is the server, and it may park.
  std::string username = {}, password = {};
  std::function<bool(std::string_view username, std::string_view password)> authenticate = {};

  // REQ: send() numbers its question on the wire, as request() always does, and recv() takes the answer of that number
  // only (libzmq's ZMQ_REQ_CORRELATE).
  bool correlate = false;
  bool relaxed = false;    // REQ: send() may come before recv(): the answer that was due is thrown away; correlates
  bool mandatory = false;  // ROUTER: a message for nobody is an error, and one for a full queue waits; else both drop
  bool handover = false;   // ROUTER: a peer with a known identity takes it over; else it is refused
  slow_subscriber slow = slow_subscriber::drop_newest;  // PUB, XPUB
  endpoint_list subscribe = {};                         // SUB: topics from the start; "": everything
  bool verbose = false;                                 // XPUB: repeated subscriptions are told too
  // XPUB: a peer gets what the program gives it (subscription::give), whatever it asks for; all it asks is told.
  bool manual = false;
  // PUB, XPUB: sent to each new subscriber, once in a connection: with the first of its topics that it begins with.
  std::string welcome = {};

  std::string name = {};  // for dumps
  // Where its actors run. Left out: the runtime of the actor that makes the socket.
  runtime* on = nullptr;
};

}  // namespace weir::net
