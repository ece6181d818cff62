// weir::net::http::server: answers requests over any stream: an actor for each connection, which runs the handlers.
//   server web(std::move(routes));
//   web.serve(tcp_listener("0.0.0.0:8080"));
//   web.serve(listener, [&](net::stream s) { return net::start_tls(std::move(s), certificate); });
//   web.drain(10s);                            // from anywhere: serve() returns when the requests in flight have ended
//
// Thread-safety: all of it. It must outlive the calls of serve().
//
// A handler that throws status_error is answered with its status and text; one that throws another std::exception, or
// does not answer, with 500, and server_options::on_failure hears of it. If its answer has begun, the connection ends
// in the middle of it, so that the client sees that it is not whole. What is no std::exception ends serve().
//
// A client that breaks a rule of HTTP or a limit is told which (violation.h), and loses its connection, which is read
// on for a moment, so that the answer is not overtaken by a reset.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/select.h"
#include "weir/channels/status.h"
#include "weir/channels/sync_cases.h"
#include "weir/net/http/exchange.h"
#include "weir/net/http/router.h"
#include "weir/net/http/server_options.h"
#include "weir/net/http/status_error.h"
#include "weir/net/on_accept.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/sync/event.h"

namespace weir::net::http {
class server {
 public:
  explicit server(router routes, server_options options = {}, site where = site::current());
  ~server();
  server(const server&) = delete;

  // Accepts and serves until drain(), or until the listener is closed, and returns when the last connection has ended.
  // Parks; a cancel throws weir::cancelled, having ended all connections. `begin`, if given, makes of each connection
  // the stream that is served, in the connection's actor: a TLS handshake, say; if it throws, the connection ends, and
  // server_options::on_failure hears of it unless it was a net::error. It limits its own time. Throws what
  // listener.accept() throws.
  template <class Listener, class Begin>
  void serve(const Listener& listener, Begin begin) {
    static_assert(std::is_invocable_r_v<stream, Begin&, stream>,
                  "weir::net::http::server::serve: `begin` takes a stream and returns one");
    accept_from(listener, begin);
  }
  template <class Listener>
  void serve(const Listener& listener) {
    accept_from(listener, {});
  }
  // Serves one connection to its end, in the caller's actor.
  void serve_one(stream s, site where = site::current());

  // No connection is accepted any more: those in the kernel's queue are reset by it, if nobody else listens there.
  // Those that wait for a request are closed, the others after the answer they are at, which says `Connection: close`.
  // A request whose head is half there is one of these, and has the rest of server_options::head_time; `begin` has the
  // time that it gives itself. So a client that says nothing more holds a drain for as long, unless `limit` comes
  // first: what is not done then is cancelled. Returns at once; the first call counts.
  void drain(deadline limit = {});

  server_statistics statistics() const noexcept;

 private:
  template <class Listener>
  void accept_from(const Listener& listener, const std::function<stream(stream)>& begin) {
    serve_all(
        [&listener](event& stop) {
          std::optional<stream> next;
          while (weir::select(weir::on_set(stop, [] { return false; }).priority(0),
                              net::on_accept(listener, [&](auto arrived) {
                                if (arrived) next.emplace(*std::move(arrived));
                                return arrived.status() == recv_status::empty;  // somebody else was quicker
                              }).priority(1))) {
          }
          return next;
        },
        [&listener] { listener.close(); }, begin);
  }
  void serve_all(const std::function<std::optional<stream>(event&)>& accept, const std::function<void()>& close,
                 const std::function<stream(stream)>& begin);

  struct state;
  const std::unique_ptr<state> state_;
};

}  // namespace weir::net::http
