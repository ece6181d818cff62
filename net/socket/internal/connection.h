// A connection of a message socket: its handshake, and the two actors that move messages between stream and pipe.
//   serve           all of it, until the connection ends; served: what came of it
//   check_options   what every connection would find
//
// Thread-safety: as noted. It parks; a cancel ends it.
//
// The calling actor reads; a second one writes what take() gives it, at most 256 messages or 512 KiB a turn, short ones
// copied together into one vectored write. Whatever ends one of the two closes the stream, which ends the other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "weir/net/socket/internal/socket_core.h"
#include "weir/net/stream.h"
#include "weir/net/zmtp/handshake.h"

namespace weir::net::internal {

enum class served : std::uint8_t {
  up,       // messages have gone or could have
  failed,   // the peer never came up
  refused,  // the same, and it said so by ERROR: not to be tried again (RFC 37, Error Handling)
};

// `p`: of a connected endpoint, else empty: one is made. `shaken` is called when the handshake is over, however it
// ended, and before the peer is one of the socket's; perhaps again; it must not throw. Nothing is thrown for what the
// peer does.
served serve(socket_core& socket, const stream& s, std::shared_ptr<pipe> p, zmtp::role side, const std::string& address,
             const std::function<void()>& shaken);

// Throws misuse if the options cannot be those of a connection.
void check_options(const socket_core& socket, site where);

}  // namespace weir::net::internal
