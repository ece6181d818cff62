// How a connection of HTTP becomes one of WebSocket (RFC 6455, section 4), as far as it is computed: no sockets.
//   make_key, accept_for   the client's nonce, and what proves that a server has read it
//   make_request           client: what it asks with
//   disagreement           client: what is wrong with the answer
//   answer_to              server: 101, or what is wrong with the request
//
// Thread-safety: values and pure functions.
//
// Nothing a peer sends throws. All of it allocates.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "weir/net/http/headers.h"
#include "weir/net/http/request.h"
#include "weir/net/http/response.h"
#include "weir/net/http/status.h"
#include "weir/runtime/base/site.h"

namespace weir::net::websocket {

// 16 octets that cannot be foreseen, in base64. Throws net::error if the kernel has no randomness.
std::string make_key();
// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string accept_for(std::string_view key);

// `protocols`: subprotocols that are offered, the best first; `more`: Origin, Cookie, Authorization, ... Throws misuse
// if the host is none, the target does not begin with /, a protocol is no token, or `more` has what is the handshake's.
http::request make_request(std::string_view host, std::string_view target, std::string_view key,
                           std::span<const std::string> protocols = {}, const http::headers& more = {},
                           site where = site::current());
// Empty: the answer agrees. Else what is wrong, as rule and value. `offered`: what the request did.
std::string disagreement(const http::response& r, std::string_view key, std::span<const std::string> offered = {});

struct server_answer {
  http::response response = {};  // 101; or a refusal, with rule, value and remedy in its body: 400, 403, 405, 426
  std::string protocol = {};     // empty: none

  explicit operator bool() const noexcept { return response.status == http::status::switching_protocols; }
};

// `protocols`: subprotocols that are understood, the server's best first; the first that the client offers, too, is
// taken. If none is, the connection is without one, and the client decides. `origins`: the pages that may ask, as
// "https://example.org", or "*" for all; none: those of the host that was asked. Programs other than browsers, which
// send no Origin, may in any case.
server_answer answer_to(const http::request& r, std::span<const std::string> protocols = {},
                        std::span<const std::string> origins = {});

}  // namespace weir::net::websocket
