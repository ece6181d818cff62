#include "weir/net/websocket/connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "weir/net/websocket/internal/session.h"
#include "weir/net/websocket/message.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::websocket {
namespace {

const options& checked(const options& o, site where) {
  const auto require = [&](bool holds, const char* rule, auto value, const char* remedy) {
    if (!holds) weir::internal::throw_misuse("websocket connection", rule, fmt::format("{}", value), remedy, where);
  };
  require(o.message > 0, "a message may have at least 1 octet", o.message, "Set options::message");
  require(o.queue > 0, "a queue holds at least 1 message", o.queue, "Set options::queue");
  require(o.queue_bytes > 0, "a queue holds at least 1 octet", o.queue_bytes, "Set options::queue_bytes");
  require(o.ping_every.count() <= 0 || o.pong_within.count() > 0, "a ping may take at least 1 ms",
          o.pong_within.count(), "Set options::pong_within");
  return o;
}

}  // namespace

connection::connection(stream over, role side, const options& o, std::string_view read_already, site where)
    : session_(new internal::session(std::move(over), side, checked(o, where), read_already, where)),
      pump_(spawn(
          "websocket read", [s = session_.get()] { s->run(); }, {}, where)) {}

void connection::destroy::operator()(internal::session* s) const noexcept { delete s; }

internal::session& connection::session(const char* call, site where) const {
  if (!session_)
    weir::internal::throw_misuse(call, "the handle refers to a WebSocket connection",
                                 "one that was moved from or never set", "Make one from a stream", where);
  return *session_;
}

const receiver<message>& connection::incoming(site where) const { return session("incoming", where).in.rx; }

const sender<message>& connection::outgoing(site where) const { return session("outgoing", where).out.tx; }

event& connection::ended(site where) const { return session("ended", where).ended; }

ending connection::close(close_code code, std::string_view text, deadline limit, site where) {
  internal::session& s = session("close", where);
  if (!may_be_sent(code))
    weir::internal::throw_misuse("websocket close", "the code is one that may be sent",
                                 fmt::format("{}", static_cast<unsigned>(code)), "Use normal, or 4000 to 4999", where);
  if (text.size() > most_close_text || !is_utf8(text))
    weir::internal::throw_misuse("websocket close",
                                 fmt::format("the text is UTF-8 of at most {} octets", most_close_text),
                                 fmt::format("{} octets", text.size()), "Shorten it", where);
  s.begin_close({code, std::string(text)}, false);
  const deadline latest = std::min(limit, deadline(s.settings.close_within));
  if (!s.ended.wait(latest) && latest.expired()) {  // else this actor unwinds, and does not wait
    s.give_up_waiting();
    s.ended.wait();
  }
  return s.how();
}

}  // namespace weir::net::websocket
