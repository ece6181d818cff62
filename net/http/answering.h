// serve: one connection of a server, to its end.
//
// Thread-safety: as free functions.
#pragma once

#include <string>

#include "weir/net/http/internal/server_core.h"
#include "weir/net/http/router.h"
#include "weir/net/stream.h"

namespace weir::net::http::internal {

// Parks as exchange.h and server_options.h say; a cancel throws weir::cancelled. Else throws what a handler throws that
// is no std::exception.
void serve(server_core& core, const router& routes, stream s);

// A connection to `peer` that nothing could begin on, as `what` says: no failure of the client's.
void report_beginning(server_core& core, const std::string& peer, const std::string& what);

}  // namespace weir::net::http::internal
