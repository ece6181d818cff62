// weir::net::zmtp::peer_info: what a peer has told about itself in the handshake.
//
// Thread-safety: a value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weir/net/zmtp/greeting.h"
#include "weir/net/zmtp/metadata.h"
#include "weir/net/zmtp/socket_type.h"

namespace weir::net::zmtp {

struct peer_info {
  protocol_version version = {};
  bool as_server = false;                 // says its greeting; libzmq never does
  std::optional<socket_type> type = {};   // it should say, and need not
  std::string identity = {};              // of REQ, DEALER and ROUTER; else empty
  std::string username = {};              // PLAIN, this side is the server: whom it claims to be
  std::vector<property> properties = {};  // all of them, those above too
};

}  // namespace weir::net::zmtp
