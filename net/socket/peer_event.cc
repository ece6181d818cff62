#include "weir/net/socket/peer_event.h"

namespace weir::net {

const char* name_of(peer_event_kind k) noexcept {
  switch (k) {
    case peer_event_kind::up:
      return "up";
    case peer_event_kind::down:
      return "down";
    case peer_event_kind::handshake_failed:
      return "handshake failed";
    case peer_event_kind::connect_failed:
      return "connect failed";
    case peer_event_kind::dropped:
      break;
  }
  return "dropped";
}

}  // namespace weir::net
