// What the tests of message sockets share: endpoints of each kind, messages with numbers, and events.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/fresh.h"
#include "weir/channels/receiver.h"
#include "weir/net/message.h"
#include "weir/net/socket/peer_event.h"
#include "weir/net/socket/socket_options.h"

namespace testing {

// Far more than anything takes; so that a test that would hang fails.
inline constexpr std::chrono::seconds long_enough{100};

// To bind: one of each transport, not used before.
inline std::vector<std::string> fresh_endpoints() {
  const std::string name = fresh_local_name();  // "@..."
  return {"tcp://127.0.0.1:*", "ipc://" + name, "inproc://" + name.substr(1)};
}
inline std::string fresh_ipc() { return fresh_endpoints()[1]; }
inline std::string fresh_inproc() { return fresh_endpoints()[2]; }

inline weir::net::message numbered(int n) { return weir::net::message(std::to_string(n)); }
inline int number_of(const weir::net::message& m) { return std::stoi(std::string(m[m.size() - 1].text())); }

// Options for tests under load: nothing ends because the machine is slow, and lost peers come back at once.
inline weir::net::socket_options patient(weir::net::socket_options o = {}) {
  o.linger = long_enough;
  o.handshake_time = long_enough;
  o.reconnect = std::chrono::milliseconds(1);
  return o;
}

// The next event of that kind.
inline weir::net::peer_event await(const weir::receiver<weir::net::peer_event>& events,
                                   weir::net::peer_event_kind kind) {
  for (;;) {
    auto e = events.recv(long_enough);
    if (!e) return {weir::net::peer_event_kind::connect_failed, "", "", "NO EVENT"};
    if (e->kind == kind) return std::move(*e);
  }
}

}  // namespace testing
