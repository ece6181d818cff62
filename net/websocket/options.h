// What a WebSocket connection is made with, and how it ended.
//   options    limits and times
//   ending     what close() tells
//
// Thread-safety: values.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "weir/net/websocket/close_code.h"

namespace weir::net::websocket {

struct options {
  // Octets of a message that is received, from 1; one that is longer ends the connection (too_big).
  std::size_t message = 1 << 20;
  // Messages that have come and were not received, and as many that were sent and not written, from 1; and their
  // octets, from 1 (a longer one passes alone).
  long long queue = 64;
  std::size_t queue_bytes = 1 << 20;
  // If nothing came for so long, a ping goes out; if then nothing came for pong_within, the peer has vanished. 0: no
  // pings, and a peer that vanishes without a word is never missed. While `queue` is full nothing is read, so a peer
  // that has sent more than the program takes is not missed before it takes some.
  std::chrono::milliseconds ping_every{20'000};
  std::chrono::milliseconds pong_within{20'000};
  // How long the peer may take to answer a close frame and to end the stream, whoever has closed.
  std::chrono::milliseconds close_within{5'000};
};

// How a connection ended.
struct ending {
  close_reason peer;    // what the peer's close frame said; abnormal: there was none
  close_reason own;     // what ours said; abnormal: none was written
  std::string failure;  // why it did not end in order, in words; empty: it did

  // Both sides have said so: all that the peer sent before has come.
  bool in_order() const noexcept { return peer.code != close_code::abnormal && own.code != close_code::abnormal; }
};

}  // namespace weir::net::websocket
