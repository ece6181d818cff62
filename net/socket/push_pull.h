// PUSH and PULL (RFC 30): work for whoever has room for it, and one stream of what all have.
//   push_socket   each message goes to one peer, in turn among those with room; none: a send waits. Nothing is dropped
//   pull_socket   takes from all peers in turn
//
// Thread-safety: message_socket.h.
#pragma once

#include <utility>

#include "weir/net/socket/message_socket.h"

namespace weir::net {

class push_socket : public message_socket, public sends<push_socket> {
 public:
  explicit push_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::push, std::move(options), where) {}
};

class pull_socket : public message_socket, public receives<pull_socket> {
 public:
  explicit pull_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::pull, std::move(options), where) {}
};

}  // namespace weir::net
