// One endpoint of a message socket, and the actor that serves it.
//
// Thread-safety: under endpoints_mutex_ of its socket.
#pragma once

#include <memory>
#include <string>

#include "weir/net/socket/internal/socket_core.h"
#include "weir/runtime/actor.h"

namespace weir::net::internal {

struct socket_core::endpoint_entry {
  std::string text;
  bool bound;
  std::shared_ptr<pipe> queue;  // of a connected one
  actor<void> runner;           // it goes with the entry, which waits for its end
};

}  // namespace weir::net::internal
