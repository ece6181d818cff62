// weir::net::peer_event: what has happened to a peer of a message socket.
//
// Thread-safety: a value.
#pragma once

#include <cstdint>
#include <string>

namespace weir::net {

enum class peer_event_kind : std::uint8_t {
  up,                // the handshake is done: messages go
  down,              // a peer that was up is gone; `reason` says why
  handshake_failed,  // it never was up: no ZMTP, another mechanism, bad credentials, a type that does not fit, too
                     // slow. `reason` says so if an endpoint is not tried again, as its peer has refused it
  connect_failed,    // nobody answered; it is tried again
  dropped,  // `count` messages for this peer since the last event: its queue was full; with conflate: a later one came
};

struct peer_event {
  peer_event_kind kind;
  std::string address = {};   // "tcp://127.0.0.1:41234", "inproc://name"; the other side's
  std::string identity = {};  // as ROUTER knows it
  std::string reason = {};    // a sentence; empty for up
  std::uint64_t count = 0;
};

// "up", "down", ...
const char* name_of(peer_event_kind k) noexcept;

}  // namespace weir::net
