// PAIR (RFC 31): two sockets that are each other's only peer.
//   pair_socket   a second connection is refused; without a peer a send waits
//
// Thread-safety: message_socket.h.
#pragma once

#include <utility>

#include "weir/net/socket/message_socket.h"

namespace weir::net {

class pair_socket : public message_socket, public sends<pair_socket>, public receives<pair_socket> {
 public:
  explicit pair_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::pair, std::move(options), where) {}
};

}  // namespace weir::net
