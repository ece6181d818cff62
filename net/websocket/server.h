// weir::net::websocket::accept: a connection out of a request to an HTTP server's handler.
//   routes.on(http::method::get, "/live", [](http::exchange& x) {
//     auto ws = net::websocket::accept(x);
//     if (!ws) return;                              // it was no request for WebSocket, and has been answered
//     for (auto& m : ws->connection.incoming()) ...
//   });
//
// Thread-safety: the handler's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weir/net/http/exchange.h"
#include "weir/net/websocket/connection.h"
#include "weir/net/websocket/options.h"
#include "weir/runtime/base/site.h"

namespace weir::net::websocket {

struct accept_options {
  std::vector<std::string> protocols = {};  // subprotocols that are understood, the best first
  // The pages that may ask, as "https://example.org", or "*" for all. None: those of the host that was asked, so that
  // no other page that a user visits can use what the user's cookies open. Programs other than browsers may in any
  // case. A page that may not is answered with 403. Behind a proxy that changes Host the pages must be named.
  std::vector<std::string> origins = {};
  options connection = {};
};

struct accepted {
  websocket::connection connection;
  std::string protocol;  // that both understand; empty: none
};

// Looks at the request, and answers it: with 101, or, and then it is empty, with what is wrong. The connection must end
// before the handler does, and the handler before the server: a drained server cancels it at the last, see
// exchange::draining(). Parks and throws as exchange::upgrade() and respond() do, and as connection's constructor.
std::optional<accepted> accept(http::exchange& x, const accept_options& o = {}, site where = site::current());

}  // namespace weir::net::websocket
