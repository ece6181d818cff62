// weir::net::http::server_options: how many clients a server takes, how long it waits for them, and who hears of
// failures; server_statistics: what has happened.
//
// Thread-safety: values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "weir/net/http/limits.h"

namespace weir::net::http {

// A request whose handler failed; without method and target: what was to begin a connection (server::serve).
struct handler_failure {
  std::string peer, method, target;
  std::string what;
};

struct server_options {
  http::limits limits = {};
  int connections = 10'000;  // at once; others wait in the kernel's queue

  // A head has to be whole so long after its first octet, or after the connection was made: all of it, so that a client
  // that sends an octet now and then does not hold a connection.
  std::chrono::nanoseconds head_time = std::chrono::seconds(10);
  std::chrono::nanoseconds idle_time = std::chrono::seconds(60);   // between two requests
  std::chrono::nanoseconds read_pause = std::chrono::seconds(30);  // for one more piece of a body that is read
  // Octets a second that a body which is read has to come with, on average; 0: none, for bodies that come as something
  // happens. What counts is the time that is waited for them, not what a handler does between. The first wait may be as
  // long as read_pause; each takes off from those behind it, and what comes gives back, up to read_pause again. A rate,
  // and not a time for all of a body: that would have to be enough for the largest one (limits::body) over the slowest
  // line, and for so long a client that sends an octet now and then would hold a connection. 500 is what Apache's
  // mod_reqtimeout wants.
  std::uint32_t body_rate = 500;
  std::chrono::nanoseconds write_pause = std::chrono::seconds(30);  // for the kernel to take what was written
  std::chrono::nanoseconds linger_time = std::chrono::seconds(2);   // for the client to read the last answer
  std::size_t discarded = 256 * 1024;  // octets of a body that no handler read, before the connection is given up

  // Empty: a line on stderr. Called by the connection's actor; may not throw.
  std::function<void(const handler_failure&)> on_failure = {};
};

// Each by itself; stale at once.
struct server_statistics {
  std::uint64_t connections = 0;  // that were served
  std::uint64_t open = 0;         // of them now
  std::uint64_t requests = 0;     // whose head was right
  std::uint64_t refused = 0;      // that broke a rule or a limit
  std::uint64_t failed = 0;       // whose handler failed
  std::uint64_t late = 0;         // connections that ran out of time: head, body, idle, or a pause
  std::uint64_t not_begun = 0;    // connections whose handshake failed, or that there was no memory for
};

}  // namespace weir::net::http
