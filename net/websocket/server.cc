#include "weir/net/websocket/server.h"

#include <utility>

#include "weir/net/websocket/handshake.h"
#include "weir/net/websocket/message.h"

namespace weir::net::websocket {

std::optional<accepted> accept(http::exchange& x, const accept_options& o, site where) {
  const server_answer answer = answer_to(x.request(), o.protocols, o.origins);
  if (!answer) {
    x.respond(answer.response, where);
    return {};
  }
  http::upgraded raw = x.upgrade(answer.response, where);
  return accepted{connection(std::move(raw.stream), role::server, o.connection, raw.unread, where), answer.protocol};
}

}  // namespace weir::net::websocket
