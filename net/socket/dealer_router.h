// DEALER and ROUTER (RFC 28): requests and replies that nobody keeps in step.
//   dealer_socket   sends to its peers in turn, waits if none has room; receives from all in turn
//   router_socket   puts the sender's identity before each message, as a frame; sends to whom the first frame names
//
// Thread-safety: message_socket.h.
//
// A ROUTER gives a peer without an identity of its own five octets, the first of them zero. A message for nobody, or
// for a peer whose queue is full, is dropped and counted; with options.mandatory a send to nobody throws net::error
// (EHOSTUNREACH), the message being the caller's still, and one to a full queue waits. What waits for a peer whose
// connection this side had made, and is lost, is for the same identity only: if another one comes instead, or one
// without an identity of its own, it is lost, and counted.
#pragma once

#include <utility>

#include "weir/net/socket/message_socket.h"

namespace weir::net {

class dealer_socket : public message_socket, public sends<dealer_socket>, public receives<dealer_socket> {
 public:
  explicit dealer_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::dealer, std::move(options), where) {}
};

class router_socket : public message_socket, public sends<router_socket>, public receives<router_socket> {
 public:
  explicit router_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::router, std::move(options), where) {}
};

}  // namespace weir::net
