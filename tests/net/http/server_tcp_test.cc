// The server on listeners: many connections, limits, drain, lingering close.
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/http/http_client.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/http/server.h"
#include "weir/net/tcp.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/event.h"

using namespace std::chrono_literals;
using namespace weir;
using namespace weir::net::http;
using Catch::Contains;
using testing::code;
using testing::http_client;
using testing::in_actor;
using testing::patient;

namespace {

constexpr const char* hello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr const char* wait = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";

router routes(event& go) {
  router r;
  r.on(method::get, "/hello", [](exchange& x) { x.respond(status::ok, "hello"); });
  r.on(method::get, "/wait", [&go](exchange& x) {
    go.wait();
    x.respond(status::ok, "waited");
  });
  return r;
}

http_client connected(const net::tcp_listener& to) { return http_client(net::tcp_connect(to.at(), 60s)); }

}  // namespace

TEST_CASE("many clients are served at once, on connections that go on") {
  in_actor([] {
    event go;
    server web(routes(go), patient());
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      with_scope([&](scope& clients) {
        for (int i = 0; i < 20; ++i)
          clients.spawn("client", [&] {
            http_client c = connected(listener);
            for (int k = 0; k < 20; ++k) EXPECT(c.ask(hello).body == "hello");
          });
      });
      web.drain();
    });
    CHECK(web.statistics().connections == 20);
    CHECK(web.statistics().requests == 400);
    CHECK(web.statistics().open == 0);
  });
}

TEST_CASE("drain ends connections that wait at once, and others behind the answer they are at") {
  in_actor([] {
    event go;
    server web(routes(go), patient());
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      http_client idle = connected(listener), busy = connected(listener);
      CHECK(idle.ask(hello).body == "hello");
      busy.send(wait);
      testing::eventually([&] { return web.statistics().requests == 2; });
      web.drain();
      CHECK(idle.at_end());
      go.set();
      const auto r = busy.receive();
      CHECK(r.body == "waited");
      CHECK_FALSE(r.keeps_alive());
      CHECK(busy.at_end());
    });
    CHECK_FALSE(listener.accept());  // it is closed
  });
}

TEST_CASE("what a drain finds still at work at its limit is cancelled") {
  in_actor([] {
    event never;
    server web(routes(never), patient());
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      http_client busy = connected(listener);
      busy.send(wait);
      testing::eventually([&] { return web.statistics().requests == 1; });
      web.drain(10ms);
      CHECK(code(busy.receive()) == 0);
    });
    CHECK(web.statistics().open == 0);
  });
}

TEST_CASE("a drain gives its time to what has begun, and none to who is not accepted yet") {
  in_actor([] {
    event go, begun;
    server web(routes(go), patient({.connections = 2}));
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] {
        web.serve(listener, [&](net::stream conn) {
          char first[1];
          conn.expect("read", conn.read_exactly(first));
          if (first[0] == '?') begun.set(), conn.expect("read", conn.read_exactly(first));
          return conn;
        });
      });
      http_client half = connected(listener), begins = connected(listener);
      half.send("!" + std::string(hello) + "GET /hello HTTP/1.1\r\nHo");
      CHECK(half.receive().body == "hello");
      begins.send("?");
      begun.wait();
      http_client queued = connected(listener);
      web.drain();
      CHECK(queued.receive().body == "reset");
      for (http_client* c : {&half, &begins}) {
        const auto r = c->ask(c == &half ? "st: x\r\n\r\n" : "!" + std::string(hello));
        CHECK(r.body == "hello");
        CHECK_FALSE(r.keeps_alive());
        CHECK(c->at_end());
        c->stream().close();
      }
    });
    CHECK(web.statistics().connections == 2);
    CHECK(web.statistics().late == 0);
  });
}

TEST_CASE("a listener that is closed lets the connections go on until they end or are drained") {
  in_actor([] {
    event go;
    server web(routes(go), patient());
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      http_client c = connected(listener);
      CHECK(c.ask(hello).body == "hello");
      listener.close();
      CHECK(c.ask(hello).body == "hello");
      web.drain();
      CHECK(c.at_end());
    });
  });
}

TEST_CASE("more connections than a server takes wait until there is a place") {
  in_actor([] {
    event go;
    server web(routes(go), patient({.connections = 1}));
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      http_client first = connected(listener), second = connected(listener);
      CHECK(first.ask(hello).body == "hello");
      second.send(hello);
      for (int i = 0; i < 1000; ++i) this_actor::yield();
      CHECK(web.statistics().connections == 1);
      first.stream().close();
      CHECK(second.receive().body == "hello");
      web.drain();
    });
    CHECK(web.statistics().connections == 2);
  });
}

TEST_CASE("a client that is refused while it sends much reads the answer and no reset") {
  in_actor([] {
    event go;
    server web(routes(go), patient({.limits = {.body = 1000}}));
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      for (int i = 0; i < 20; ++i) {
        http_client c = connected(listener);
        c.send("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'x'));
        const auto r = c.receive();
        CHECK(code(r) == 413);
        CHECK(c.at_end());
      }
      web.drain();
    });
  });
}

TEST_CASE("a connection whose beginning fails ends alone") {
  in_actor([] {
    event go;
    std::vector<std::string> heard;
    server web(routes(go), patient({.on_failure = [&](const handler_failure& f) { heard.push_back(f.what); }}));
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("web", [&] {
        web.serve(listener, [&](net::stream conn) {
          char first[1];
          conn.expect("read", conn.read_exactly(first));
          if (first[0] == '?') throw net::error(make_error_code(net::errc::end), "begin", conn.name());
          if (first[0] != '!') throw std::runtime_error("what begins says");
          return conn;
        });
      });
      http_client bad = connected(listener), worse = connected(listener), good = connected(listener);
      bad.send("?");
      CHECK(code(bad.receive()) == 0);
      worse.send("0");
      CHECK(code(worse.receive()) == 0);
      good.send("!");
      CHECK(good.ask(hello).body == "hello");
      web.drain();
    });
    CHECK(heard == std::vector<std::string>{"what begins says"});
    CHECK(web.statistics().not_begun == 2);
    CHECK(web.statistics().connections == 1);
  });
}
