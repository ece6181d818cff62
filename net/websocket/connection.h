// weir::net::websocket::connection: messages both ways over any stream, after the handshake (RFC 6455).
//   net::websocket::connection ws(std::move(stream), net::websocket::role::server);
//   while (auto m = ws.recv())
//     if (!ws.send(std::move(*m))) break;
//   ws.close();
//
//   recv, send            a message; parks until there is one, until there is room
//   incoming, outgoing    the channels behind them, for ranges, pipelines, select, and more senders
//   close                 says why, waits for the peer's answer, and tells how it ended
//   on_message, on_ended  cases for select; to send: on_send(ws.outgoing(), message, body)
//
// Thread-safety: all calls but construction, move and destruction: any number of actors and threads receive and send.
//
// Two actors belong to a connection: one reads, one writes; nobody else touches the stream. Pings are answered (of
// several that wait the last), messages that were sent go out in order, whoever sent them, and those that wait go
// together. A peer that sends faster than messages are received is not read from any more (options::queue): then it
// waits, and its pings, too. A peer that reads more slowly than messages are sent makes send wait.
//
// A connection ends, in order or not, and stays ended: recv gives what had come and then nothing, from then on send is
// false, close() tells how it was. What ends it: close() here; the peer's close frame, which is answered at once,
// without what waits to be sent; a violation of the protocol, which is answered with its code; the end or reset of the
// stream; silence. Nothing of that throws.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/status.h"
#include "weir/channels/sync_cases.h"
#include "weir/net/stream.h"
#include "weir/net/websocket/close_code.h"
#include "weir/net/websocket/message.h"
#include "weir/net/websocket/options.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/event.h"

namespace weir::net::websocket {
namespace internal {
class session;
}

class connection {
 public:
  connection() = default;  // refers to none
  // Takes over a stream whose handshake is done. `read_already`: what came behind it. Does not park. Throws misuse (on
  // a plain thread; an option out of range), no_memory, std::bad_alloc. With all of them the stream is given up.
  connection(stream over, role side, const options& o = {}, std::string_view read_already = {},
             site where = site::current());
  connection(connection&& other) noexcept = default;
  connection& operator=(connection&& other) noexcept {
    connection taken(std::move(other));
    std::swap(session_, taken.session_);
    std::swap(pump_, taken.pump_);
    return *this;
  }
  // Breaks off: the peer sees the stream end without a close frame, what was not written is lost. To end in order,
  // close() first. Parks until both actors have ended, which wait for nothing then.
  ~connection() = default;

  // The next message. Empty once the connection has ended and all that came before was received. A message wakes it; so
  // does the end. A cancel throws weir::cancelled (while unwinding: empty).
  std::optional<message> recv(site where = site::current()) const { return incoming(where).recv(where); }
  // The same, at most until `limit`.
  recv_result<message> recv(deadline limit, site where = site::current()) const {
    return incoming(where).recv(limit, where);
  }

  // Parks until there is room for the message: true, and it will be written, if the peer takes it. False once the
  // connection is closing; then the message is still the caller's. Room wakes it; so does the end. A cancel throws
  // weir::cancelled (while unwinding: false).
  bool send(message&& m, site where = site::current()) const { return outgoing(where).send(std::move(m), where); }
  // The same, at most until `limit`.
  send_status send(message&& m, deadline limit, site where = site::current()) const {
    return outgoing(where).send(std::move(m), limit, where);
  }

  // Valid as long as the connection lives. Closing outgoing() ends the connection in order, as close() does, without
  // waiting; what comes until then is still received. Copies of it count as senders, but the connection has one of its
  // own.
  const receiver<message>& incoming(site where = site::current()) const;
  const sender<message>& outgoing(site where = site::current()) const;

  // Ends the connection, and says how it ended, also if that was long ago. Writes what was sent before, then a close
  // frame, and waits for the peer's and for the end of the stream; what comes meanwhile is dropped. Of several reasons
  // the first one counts. Parks at most until `limit`, and close_within: then the connection is broken off, and that is
  // the ending's failure. The peer wakes it. A cancel throws weir::cancelled, and the connection goes on ending (while
  // unwinding: the ending as far as it is known). Throws misuse if the code may not be sent, or the text is longer than
  // most_close_text octets or no UTF-8.
  ending close(close_code code = close_code::normal, std::string_view text = {}, deadline limit = {},
               site where = site::current());
  // Set once the connection has ended.
  event& ended(site where = site::current()) const;

  explicit operator bool() const noexcept { return session_ != nullptr; }

 private:
  internal::session& session(const char* call, site where) const;

  struct destroy {
    void operator()(internal::session* s) const noexcept;
  };
  std::unique_ptr<internal::session, destroy> session_;
  actor<void> pump_;  // goes first
};

// body(std::optional<message>): empty once the connection has ended and all that came before was received.
template <class Body>
auto on_message(const connection& c, Body body, site where = site::current()) {
  return on_recv(c.incoming(where), std::move(body), where);
}
// body(): the connection has ended. Ready for ever then.
template <class Body>
auto on_ended(const connection& c, Body body, site where = site::current()) {
  return on_set(c.ended(where), std::move(body), where);
}

}  // namespace weir::net::websocket
