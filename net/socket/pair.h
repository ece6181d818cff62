// PAIR (RFC 31): two sockets that are each other's only peer.
//   pair_socket   one queue each way; without a peer a send waits
//
// The place of the peer is the first endpoint's that it connects to, whether or not anybody is there; or, if somebody
// came to a bound one before, theirs. Others are refused, and try again, until disconnect(), or the end of who came,
// sets it free. With options.immediate it is whose connection is the first.
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
