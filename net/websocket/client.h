// weir::net::websocket::connect: a connection to a server, over a stream that leads there.
//   auto ws = net::websocket::connect(net::dial("example.org:80", 5s), "example.org", "/feed", {}, 5s);
//   auto wss = net::websocket::connect(net::start_tls(net::dial("example.org:443", 5s), tls, "example.org", 5s),
//                                      "example.org", "/feed", {.protocols = {"chat"}}, 5s);
//
// Thread-safety: all of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/net/http/headers.h"
#include "weir/net/stream.h"
#include "weir/net/websocket/connection.h"
#include "weir/net/websocket/options.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net::websocket {

struct connect_options {
  std::vector<std::string> protocols = {};  // subprotocols that are offered, the best first
  http::headers headers = {};               // Origin, Cookie, Authorization, ...
  options connection = {};
};

struct connected {
  websocket::connection connection;
  std::string protocol;  // that the server has chosen; empty: none
};

// Asks the server for WebSocket. `host`: for its Host, "example.org:8080", without the port if it is 80, or 443 with
// TLS; `target`: "/feed?x=1". Parks: the server's answer wakes it; a cancel throws weir::cancelled. Throws net::error
// with the operation "websocket": the stream has ended, was reset or closed; timeout; EPROTO with what is wrong with
// the answer in words, its status among them; and misuse as make_request(), write_head() and connection's constructor
// do. Redirects are not followed. Whatever it throws, the stream is given up.
connected connect(stream over, std::string_view host, std::string_view target, const connect_options& o = {},
                  deadline limit = {}, site where = site::current());

}  // namespace weir::net::websocket
