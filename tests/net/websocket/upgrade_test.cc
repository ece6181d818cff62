// Connections that begin with HTTP: connect() and accept().
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "tests/net/websocket/frames.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/http/exchange.h"
#include "weir/net/http/router.h"
#include "weir/net/http/server.h"
#include "weir/net/http/server_options.h"
#include "weir/net/memory_stream.h"
#include "weir/net/tcp.h"
#include "weir/net/websocket/client.h"
#include "weir/net/websocket/handshake.h"
#include "weir/net/websocket/server.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using namespace weir::net::websocket;
using Catch::Contains;
using Catch::StartsWith;
using net::http::exchange;
using net::http::method;
using net::http::router;
using testing::in_actor;

namespace {

options patient() { return {.ping_every = 0ms, .close_within = 100s}; }

net::http::server_options patient_server() {
  net::http::server_options o{.on_failure = [](const net::http::handler_failure&) { EXPECT(false); }};
  o.head_time = o.idle_time = o.read_pause = o.write_pause = o.linger_time = 10min;
  return o;
}

// Runs `with` beside a server of one connection, whose other end it gets.
template <class F>
void served(const accept_options& o, F with) {
  in_actor([&] {
    router routes;
    routes.on(method::get, "/echo", [&o](exchange& x) {
      auto ws = accept(x, o);
      if (!ws) return;
      EXPECT(ws->connection.send(message::text("protocol " + ws->protocol)));
      for (message& m : ws->connection.incoming()) EXPECT(ws->connection.send(std::move(m)));
      EXPECT(ws->connection.close().in_order());
    });
    net::memory_ends ends = net::memory_pair();
    net::http::server web(std::move(routes), patient_server());
    with_scope([&](scope& s) {
      s.spawn("server", [&] { web.serve_one(std::move(ends.b)); });
      with(std::move(ends.a));
    });
  });
}

// What connect() throws, if the server answers with `text`, whose KEY is the accept value, and what else `then` does.
template <class F>
std::string refused(std::string text, F then, deadline limit = {}) {
  std::string what;
  in_actor([&] {
    net::memory_ends pair = net::memory_pair();
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        std::string head;
        EXPECT(pair.b.read_until(head, "\r\n\r\n"));
        const std::size_t at = head.find("Sec-WebSocket-Key: ") + 19;
        if (const std::size_t key = text.find("KEY"); key != std::string::npos)
          text.replace(key, 3, accept_for(head.substr(at, 24)));
        (void)pair.b.write_all(text);  // the client may have given up
        then(pair.b);
      });
      try {
        connect(std::move(pair.a), "h.test", "/", {}, limit);
      } catch (const net::error& e) {
        EXPECT(e.operation() == "websocket");
        what = e.what();
      }
    });
  });
  return what;
}
void ends(net::stream& s) { s.close(); }
void stays(net::stream&) {}

const std::string switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";

}  // namespace

TEST_CASE("a handler accepts what a client connects to and both have the same subprotocol") {
  served({.protocols = {"b", "a"}, .connection = patient()}, [](net::stream s) {
    connected c = connect(std::move(s), "h.test", "/echo?x=1", {.protocols = {"a", "b"}, .connection = patient()});
    CHECK(c.protocol == "b");
    CHECK(c.connection.recv() == message::text("protocol b"));
    CHECK(c.connection.send(message::binary(std::string(100'000, '\xFF'))));
    CHECK(c.connection.recv() == message::binary(std::string(100'000, '\xFF')));
    CHECK(c.connection.close().in_order());
  });
}

TEST_CASE("what a handler does not accept it answers in words and the client throws the status") {
  const accept_options ours{.origins = {"https://good.test"}, .connection = patient()};
  served(ours, [](net::stream s) {
    CHECK_THROWS_WITH(connect(std::move(s), "h.test", "/echo", {.headers = {{"Origin", "https://bad.test"}}}),
                      Contains("the answer must be 101; got 403"));
  });
  served(ours, [](net::stream s) {
    connected c = connect(std::move(s), "h.test", "/echo",
                          {.headers = {{"Origin", "https://good.test"}}, .connection = patient()});
    CHECK(c.connection.recv() == message::text("protocol "));
    CHECK(c.connection.close().in_order());
  });
  served(ours, [](net::stream s) {
    CHECK_THROWS_WITH(connect(std::move(s), "h.test", "/nothing"), Contains("the answer must be 101; got 404"));
  });
  served(ours, [](net::stream s) {
    CHECK(s.write_all("GET /echo HTTP/1.1\r\nHost: h.test\r\nConnection: close\r\n\r\n"));
    std::string head, body;
    CHECK(s.read_until(head, "\r\n\r\n"));
    CHECK_THAT(head, StartsWith("HTTP/1.1 426 ") && Contains("Sec-WebSocket-Version: 13\r\n"));
    CHECK(s.read_until(body, "\n"));
    CHECK(body == "this is a WebSocket: Upgrade must name websocket; got none\n");
  });
}

TEST_CASE("a client takes no answer that does not agree or is no HTTP or does not come") {
  const std::string accept_field = "Sec-WebSocket-Accept: KEY\r\n";
  CHECK(refused(switching + accept_field + "\r\n", stays) == "");
  CHECK_THAT(refused(switching + "\r\n", stays), Contains("Sec-WebSocket-Accept must be "));
  CHECK_THAT(refused(switching + accept_field + "Sec-WebSocket-Protocol: chat\r\n\r\n", stays),
             Contains("the subprotocol must be one that was offered; got \"chat\""));
  CHECK_THAT(refused("HTTP/1.1 301 Moved\r\nLocation: /there\r\nContent-Length: 10\r\n\r\n", stays),
             Contains("the answer must be 101; got 301"));
  CHECK_THAT(refused("SSH-2.0-OpenSSH\r\n\r\n", stays), StartsWith("websocket ") && Contains("HTTP: "));
  CHECK_FALSE(refused(switching, ends).empty());
  std::string interim;
  for (int i = 0; i < 17; ++i) interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
  CHECK_THAT(refused(interim, stays), Contains("more than 16 interim answers"));
  CHECK_THAT(refused(switching, stays, 5ms), Contains("the deadline came first"));
}

TEST_CASE("what a server sends behind its answer is the first message and interim answers may come before it") {
  in_actor([] {
    net::memory_ends pair = net::memory_pair();
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        std::string head;
        EXPECT(pair.b.read_until(head, "\r\n\r\n"));
        const std::string key = head.substr(head.find("Sec-WebSocket-Key: ") + 19, 24);
        EXPECT(pair.b.write_all("HTTP/1.1 103 Early Hints\r\n\r\n" + switching + "Sec-WebSocket-Accept: " +
                                accept_for(key) + "\r\n\r\n" + wire::frame(wire::text, "first", {.masked = false})));
      });
      connected c = connect(std::move(pair.a), "h.test", "/", {.connection = patient()});
      CHECK(c.connection.recv() == message::text("first"));
    });
  });
}

TEST_CASE("a request that cannot be meant is misuse") {
  in_actor([] {
    const auto ask = [](const char* host, const char* target, const connect_options& o = {}) {
      connect(net::memory_pair().a, host, target, o);
    };
    CHECK_THROWS_AS(ask("", "/"), misuse);
    CHECK_THROWS_AS(ask("h", "/a b"), misuse);
    CHECK_THROWS_AS(ask("h", "/", {.protocols = {"a b"}}), misuse);
    CHECK_THROWS_AS(ask("h", "/", {.headers = {{"Content-Length", "5"}}}), misuse);
  });
}

TEST_CASE("a drained server cancels handlers whose connections do not end and the peer sees these broken off") {
  in_actor([] {
    router routes;
    routes.on(method::get, "/", [](exchange& x) {
      auto ws = accept(x, {.connection = patient()});
      EXPECT(ws->connection.send(message::text("ready")));
      ws->connection.recv();
    });
    const net::tcp_listener listener("127.0.0.1:0");
    net::http::server web(std::move(routes), patient_server());
    with_scope([&](scope& s) {
      s.spawn("server", [&] { web.serve(listener); });
      connected c = connect(net::tcp_connect("127.0.0.1:" + std::to_string(listener.port())), "127.0.0.1", "/",
                            {.connection = patient()});
      CHECK(c.connection.recv() == message::text("ready"));
      web.drain(1ms);
      CHECK(c.connection.ended().wait());
      CHECK_FALSE(c.connection.close().in_order());
    });
  });
}
