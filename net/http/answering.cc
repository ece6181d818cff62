// What a server does with a connection: finds the handlers, runs them, and says what they have not said.
#include "weir/net/http/answering.h"

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/http/exchange.h"
#include "weir/net/http/internal/connection.h"
#include "weir/net/http/status_error.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::http::internal {

namespace {

void hear(const server_core& core, const handler_failure& f) {
  if (core.options.on_failure) return core.options.on_failure(f);
  const std::string request = f.method.empty() ? "a connection" : f.method + " " + f.target;
  std::fprintf(stderr, "weir: http: %s from %s: %s\n", request.c_str(), f.peer.c_str(), f.what.c_str());
}

}  // namespace

struct answering {
  // What is to be said is said behind the handler: nothing parks while an exception is being handled.
  static void run(connection& c, exchange& x, const handler& h) {
    std::optional<status_error> said;
    std::string failed;
    try {
      h(x);
      if (x.state_ == exchange::state::fresh) failed = "the handler has returned without an answer";
      if (x.state_ == exchange::state::begun) x.finish();
    } catch (const status_error& e) {
      said = e;
    } catch (const net::error& e) {
      if (!c.gone() && !c.given_up()) failed = e.what();  // of something else of the handler's
    } catch (const std::exception& e) {
      failed = e.what();
      if (failed.empty()) failed = "an exception without a text";
    }
    if (c.gone()) return;
    const bool fresh = x.state_ == exchange::state::fresh;
    if ((said || !failed.empty()) && x.state_ == exchange::state::begun) c.broken();
    if (said && fresh) {
      try {
        return x.respond(said->answer(), std::string(said->what()) + "\n");
      } catch (const misuse& e) {  // a status that no answer can have
        failed = e.what();
      }
    }
    if (failed.empty()) return;
    report(c, x, failed);
    if (fresh) x.respond(status::internal_server_error, "The request failed.\n");
  }

  static void report(connection& c, const exchange& x, const std::string& what) {
    count(c.of().failed);
    hear(c.of(), {x.peer(), std::string(name_of(x.request().method)), x.request().target, what});
  }

  static void one(connection& c, const router& routes) {
    request asked = c.take_head();
    router::match found = routes.find(asked.method, asked.path());
    exchange x(c, std::move(asked), std::move(found.parameters));
    const auto expected = x.request().headers.get("Expect");
    if (expected && !equal_names(*expected, "100-continue")) {
      x.respond(status::expectation_failed, "HTTP: the only expectation that this side knows is 100-continue.\n");
    } else if (found.run != nullptr) {
      c.flush();  // an earlier answer does not wait for this one
      run(c, x, *found.run);
    } else if (found.allowed.empty()) {
      x.respond(status::not_found, "There is nothing at this path.\n");
    } else {
      x.respond({.status = status::method_not_allowed,
                 .headers = {{"Allow", found.allowed}, {"Content-Type", "text/plain; charset=utf-8"}},
                 .body = "Not by this method.\n"});
    }
  }
};

void serve(server_core& core, const router& routes, stream s) {
  connection c(core, std::move(s));
  try {
    while (c.await_head()) {
      answering::one(c, routes);
      if (!c.goes_on() || !c.discard_body() || !c.goes_on()) break;
    }
    c.end();
  } catch (const net::error&) {
    // Of the stream: the client is gone, which is no failure of ours.
  } catch (const std::exception&) {
    count(core.failed);  // no memory, say: it costs this connection
  }
  c.stream().close();
}

void report_beginning(server_core& core, const std::string& peer, const std::string& what) {
  count(core.failed);
  hear(core, {peer, "", "", what});
}

}  // namespace weir::net::http::internal
