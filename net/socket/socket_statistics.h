// What a message socket has counted.
//   socket_statistics   of all its peers
//   peer_statistics     of one
//   for_each_counter    each of them, with its name, unit and a sentence
//
// Thread-safety: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace weir::net {

// All read at one moment, and stale at once.
struct socket_statistics {
  std::uint64_t sent = 0;               // messages that were written to a peer, one for each; once all that a
                                        // connection had taken at once (README.md) has been
  std::uint64_t received = 0;           // messages that the program was given
  std::uint64_t dropped = 0;            // messages that a full queue or a missing peer made go, one for each peer; and,
                                        // with conflate, those whose place a later one took, on their way out or in
  std::uint64_t lost = 0;               // messages that waited for a peer that went, or had been taken to be written
                                        // to it and begun: of these some may have arrived
  std::uint64_t malformed = 0;          // messages whose envelope is none (REQ, REP), or that answer no request
  std::uint64_t connected = 0;          // connections whose handshake was done
  std::uint64_t disconnected = 0;       // those of them that are over
  std::uint64_t handshakes_failed = 0;  // connections that never got so far
  std::uint64_t connects_failed = 0;    // tries to connect that nobody answered
  std::uint64_t crowded_out = 0;        // connections closed because too many had not finished their handshake
  std::size_t peers = 0;                // connections now
  std::size_t unsent = 0;               // messages that wait to be sent, or are being written, now
  std::size_t unread = 0;               // messages that wait for the program now
};

// The same of one peer, from the time on that it is connected to, or has connected. It goes with its connection, or, if
// this side connects, with disconnect(); what is still unread keeps it for so long.
struct peer_statistics {
  std::string address = {};   // "tcp://127.0.0.1:41234", or what connect() was given
  std::string identity = {};  // as ROUTER knows it
  bool connected = false;
  std::uint64_t sent = 0, received = 0, dropped = 0, lost = 0;
  std::size_t unsent = 0, unread = 0;
  std::size_t subscriptions = 0;  // PUB, XPUB: those of the peer
};

// Calls each(name, unit, sentence, value); names are those of the members.
template <class Each>
void for_each_counter(const socket_statistics& s, Each each) {
  each("sent", "messages", "written, one for each peer", s.sent);
  each("received", "messages", "given to the program", s.received);
  each("dropped", "messages",
       "gone because a queue was full, a peer missing or, with conflate, a later one there, one for each peer",
       s.dropped);
  each("lost", "messages", "gone with the peer they waited for, or were being written to", s.lost);
  each("malformed", "messages", "without an envelope, or answers that nobody waits for", s.malformed);
  each("connected", "connections", "whose handshake was done", s.connected);
  each("disconnected", "connections", "that were up and are over", s.disconnected);
  each("handshakes_failed", "connections", "that never got so far", s.handshakes_failed);
  each("connects_failed", "tries", "to connect that nobody answered", s.connects_failed);
  each("crowded_out", "connections", "closed because too many had not finished their handshake", s.crowded_out);
  each("peers", "connections", "that are up now", s.peers);
  each("unsent", "messages", "that wait to be sent or are being written now", s.unsent);
  each("unread", "messages", "that wait for the program now", s.unread);
}
template <class Each>
void for_each_counter(const peer_statistics& s, Each each) {
  each("sent", "messages", "written", s.sent);
  each("received", "messages", "given to the program", s.received);
  each("dropped", "messages", "gone because its queue was full or, with conflate, a later one there", s.dropped);
  each("lost", "messages", "gone with a connection, before or while they were written", s.lost);
  each("unsent", "messages", "that wait to be sent or are being written now", s.unsent);
  each("unread", "messages", "that wait for the program now", s.unread);
  each("subscriptions", "subscriptions", "that it has now", s.subscriptions);
}

// What close() left.
struct close_result {
  std::size_t unsent = 0;  // messages that no connection has written; 0: all have been given to the kernel
  explicit operator bool() const noexcept { return unsent == 0; }
};

}  // namespace weir::net
