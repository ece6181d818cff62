// weir::net::dial: a connection to a host by its name.
//   auto c = weir::net::dial("example.org:443", 5s);
//
// Thread-safety: all of it.
#pragma once

#include <string_view>

#include "weir/net/tcp.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net {

// Looks the name up and connects to the first of its addresses that answers (Happy Eyeballs): resolve(), then
// tcp_connect() of all it gave. `limit` is for both together; each parks, wakes, ends and throws as said there. A
// number is not looked up. Throws bad_endpoint if `to` is no "HOST:PORT".
tcp_stream dial(std::string_view to, deadline limit = {}, const tcp_connect_options& options = {});

}  // namespace weir::net
