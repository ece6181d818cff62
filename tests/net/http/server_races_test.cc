// The server when things happen at the wrong time, or in part: cancels, time limits of handlers, drains, slow clients.
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <utility>

#include "tests/net/http/http_client.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/http/server.h"
#include "weir/net/memory_stream.h"
#include "weir/net/tcp.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using namespace weir::net::http;
using Catch::Contains;
using testing::code;
using testing::http_client;
using testing::in_actor;
using testing::patient;
using testing::with_client;

namespace {

const std::string hello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

std::string post(const std::string& target, std::size_t length, const std::string& fields = "") {
  return "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(length) + "\r\n" + fields +
         "\r\n";
}

router routes() {
  router r;
  r.on(method::get, "/hello", [](exchange& x) { x.respond(status::ok, "hello"); });
  r.on(method::post, "/read", [](exchange& x) { x.respond(status::ok, x.read_body()); });
  r.on(method::post, "/ignore", [](exchange& x) { x.respond(status::ok, "ignored"); });
  r.on(method::get, "/flood", [](exchange& x) {
    x.begin({});
    for (;;) x.write(std::string(1000, 'f'));
  });
  r.on(method::get, "/wait", [](exchange&) { event().wait(); });
  return r;
}

// All that comes until the connection ends, however it does.
std::string rest_of(const net::stream& s) {
  std::string all;
  for (char part[4096];;) {
    const auto got = s.read_some(part);
    all.append(part, got.bytes);
    if (!got) return all;
  }
}

}  // namespace

TEST_CASE("a cancel ends a connection wherever it waits") {
  in_actor([] {
    server web(routes(), patient());
    const std::string each[] = {
        "",                                                              // for a first request
        "GET /hel",                                                      // for the rest of a head
        hello,                                                           // for another request
        post("/read", 10) + "half",                                      // for a body that is read
        post("/ignore", 10) + "half",                                    // for a body that is not
        "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n",                        // for room
        "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",   // for the client's end
        "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",                         // in a handler
        "wrong\r\n",                                                     // for the client to read what was wrong
        "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + hello + "GET /he",  // pipelined
    };
    for (const std::string& bytes : each) {
      for (const int turns : {0, 1, 3, 10, 100}) {
        auto ends = net::memory_pair({.capacity = 2000});
        with_scope([&](scope& s) {
          auto serving =
              s.spawn("server", [&web, conn = std::move(ends.b)]() mutable { web.serve_one(std::move(conn)); });
          (void)ends.a.write_all(bytes);
          for (int i = 0; i < turns; ++i) this_actor::yield();
          serving.cancel();
          (void)rest_of(ends.a);
        });
        CHECK(web.statistics().open == 0);
      }
    }
    CHECK(web.statistics().failed == 0);
  });
}

TEST_CASE("an answer that a handler's time limit cuts short is not sent twice and the connection ends") {
  in_actor([] {
    event tried;
    router r = routes();
    r.on(method::get, "/big", [&](exchange& x) {
      EXPECT(!within(20ms, [&] { x.respond(status::ok, std::string(1'000'000, 'b')); }));
      tried.set();
    });
    r.on(method::get, "/pieces", [&](exchange& x) {
      x.begin({});
      EXPECT(!within(20ms, [&] {
        for (;;) x.write(std::string(10'000, 'p'));
      }));
      bool over = false;
      try {
        x.write("and more");
      } catch (const net::error& e) {
        over = e.closed();
      }
      EXPECT(over);
      tried.set();
    });
    server web(std::move(r), patient());
    for (const char* target : {"/big", "/pieces"}) {
      tried.reset();
      with_client(web, [&](http_client& c) {
        c.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n" + hello);
        tried.wait();
        const std::string all = rest_of(c.stream());
        CHECK(all.find("HTTP/1.1") == 0);
        CHECK(all.rfind("HTTP/1.1") == 0);
        CHECK(all.size() < 500'000);
        CHECK_THAT(all, !Contains("and more"));
      });
    }
    CHECK(web.statistics().failed == 0);
  });
}

TEST_CASE("a drain beside arriving connections leaves no answer half and no connection behind") {
  in_actor([] {
    for (int turns = 0; turns < testing::rounds(40); ++turns) {
      server web(routes(), patient());
      const net::tcp_listener listener("127.0.0.1:0");
      with_scope([&](scope& s) {
        s.spawn("web", [&] { web.serve(listener); });
        for (int i = 0; i < 4; ++i)
          s.spawn("client", [&] {
            try {
              http_client c(net::tcp_connect(listener.at(), 60s));
              for (;;) {
                if (!c.stream().write_all(hello)) return;
                const response r = c.receive();
                if (code(r) == 0) return EXPECT(r.body == "end" || r.body == "reset");
                EXPECT(r.body == "hello");
                if (!r.keeps_alive()) return EXPECT(c.at_end());
              }
            } catch (const net::error&) {  // nobody listens any more
            }
          });
        for (int i = 0; i < turns * 5; ++i) this_actor::yield();
        web.drain();
      });
      CHECK(web.statistics().open == 0);
      CHECK(web.statistics().refused == 0);
      CHECK(web.statistics().failed == 0);
    }
  });
}

TEST_CASE("a body that nobody reads has one time limit for all of it, and one for its size") {
  in_actor([] {
    server_options slow = patient();
    slow.read_pause = 50ms;
    server web(routes(), slow);
    with_client(web, [](http_client& c) {
      with_scope([&](scope& s) {
        s.spawn("slowly", [&] {  // all of it would take minutes
          (void)c.stream().write_all(post("/ignore", 200'000));
          while (c.stream().write_all("a")) this_actor::sleep(1ms);
        });
        CHECK(c.receive().body == "ignored");
        CHECK(c.at_end());
        c.stream().close();
      });
    });
    CHECK(web.statistics().late == 1);
    with_client(web, [](http_client& c) {
      const auto r = c.ask(post("/ignore", 1'000'000));
      CHECK(r.body == "ignored");
      CHECK_FALSE(r.keeps_alive());
      CHECK(c.at_end());
    });
    CHECK(web.statistics().late == 1);
  });
}

TEST_CASE("a body that comes in drops ends when its waits are too much together, and a quick one does not") {
  in_actor([] {
    const auto drops = [](const server_options& slow, std::size_t n, std::chrono::nanoseconds every) {
      server web(routes(), slow);
      response r;
      with_client(web, [&](http_client& c) {
        c.send(post("/read", n));
        with_scope([&](scope& s) {
          s.spawn("slowly", [&] {
            for (std::size_t i = 0; i < n && c.stream().write_all("a"); ++i) this_actor::sleep(every);
          });
          r = c.receive();
          c.stream().close();
        });
      });
      CHECK(web.statistics().late == (code(r) == 200 ? 0u : 1u));
      CHECK(web.statistics().failed == 0);
      return r;
    };
    server_options slow = patient();
    response r{.status = {}};
    // The machine may be slower than a pause; then once more with a longer one.
    slow.body_rate = 1'000'000;
    for (slow.read_pause = 500ms; code(r) == 0; slow.read_pause *= 2) r = drops(slow, 20'000, 1ms);  // 20 s, or more
    CHECK(code(r) == 408);
    CHECK_THAT(r.body, Contains("body_rate"));
    CHECK_FALSE(r.keeps_alive());
    for (const unsigned rate : {1u, 0u}) {
      slow.body_rate = rate;
      for (slow.read_pause = 50ms; code(r) != 200; slow.read_pause *= 2) r = drops(slow, 20, slow.read_pause / 10);
      CHECK(r.body == std::string(20, 'a'));
      r = {.status = {}};
    }
  });
}
