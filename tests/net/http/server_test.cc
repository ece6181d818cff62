// The server over streams in memory: what it answers, what it refuses, how it ends.
#include "weir/net/http/server.h"

#include <catch2/catch.hpp>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/http/http_client.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"

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

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}
std::string post(const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// Failures that a server has reported.
struct failures {
  std::mutex mutex;
  std::vector<std::string> texts;

  auto hear() {
    return [this](const handler_failure& f) {
      const std::lock_guard guard(mutex);
      texts.push_back(f.method + " " + f.target + ": " + f.what);
    };
  }
};

router routes() {
  router r;
  r.on(method::get, "/hello/{name}", [](exchange& x) { x.respond(status::ok, "hello, " + x.parameter("name")); });
  r.on(method::post, "/echo", [](exchange& x) {
    x.begin({.headers = {{"X-Kind", "echo"}}});
    for (std::string_view piece = x.read_some(); !piece.empty(); piece = x.read_some()) x.write(piece);
  });
  r.on(method::post, "/whole", [](exchange& x) { x.respond(status::ok, x.read_body(10)); });
  r.on(method::post, "/ignore", [](exchange& x) { x.respond(status::ok, "ignored"); });
  r.on(method::get, "/exact", [](exchange& x) {
    x.begin({}, 10);
    x.write("01234");
    x.write("56789");
  });
  r.on(method::get, "/empty", [](exchange& x) { x.respond({.status = status::no_content}); });
  r.on(method::get, "/nothing", [](exchange&) {});
  r.on(method::get, "/throw", [](exchange&) { throw std::runtime_error("what a handler says"); });
  r.on(method::get, "/refuse", [](exchange&) { throw status_error(status::conflict, "not now"); });
  r.on(method::get, "/half", [](exchange& x) {
    x.begin({});
    x.write("half");
    throw std::runtime_error("in the middle");
  });
  r.on(method::get, "/short", [](exchange& x) {
    x.begin({}, 10);
    x.write("short");
  });
  r.on(method::get, "/inject", [](exchange& x) {
    x.respond({.headers = {{"Location", query_value(x.request().query(), "to")}}});
  });
  r.on(method::get, "/twice", [](exchange& x) {
    x.respond(status::ok, "once");
    x.respond(status::ok, "twice");
  });
  r.on(method::get, "/not-modified", [](exchange& x) { x.respond({.status = status::not_modified, .body = "same"}); });
  r.on(method::get, "/upgrade-required", [](exchange& x) {
    x.respond({.status = status::upgrade_required, .headers = {{"Upgrade", "raw"}, {"Connection", "Upgrade"}}});
  });
  r.on(method::get, "/continue", [](exchange& x) { x.respond({.status = status::continue_}); });
  r.on(method::get, "/without", [](exchange&) { throw status_error(status::no_content, "a text"); });
  r.on(method::get, "/raw", [](exchange& x) {
    const upgraded u = x.upgrade({.headers = {{"Connection", "Upgrade"}, {"Upgrade", "raw"}}});
    std::string text = u.unread;
    while (text.find('.') == std::string::npos) {
      char part[100];
      const auto got = u.stream.read_some(part);
      if (!got) break;
      text.append(part, got.bytes);
    }
    (void)u.stream.write_all("raw: " + text);
  });
  return r;
}

}  // namespace

TEST_CASE("requests on one connection are answered in order, one by one, pipelined, and by single bytes") {
  in_actor([] {
    server web(routes(), patient());
    for (const std::size_t pieces : {1u, 7u, 1u << 20}) {
      with_client(
          web,
          [](http_client& c) {
            auto r = c.ask(get("/hello/w%20w"));
            CHECK(r.body == "hello, w w");
            CHECK(r.headers.get("Content-Length") == "10");
            CHECK(r.headers.contains("Date"));
            CHECK(r.keeps_alive());
            c.send(get("/hello/a") + post("/whole", "0123456789") + post("/ignore", "text") + get("/nowhere") +
                   get("/exact") + get("/empty") + get("/hello/b"));
            CHECK(c.receive().body == "hello, a");
            CHECK(c.receive().body == "0123456789");
            CHECK(c.receive().body == "ignored");
            CHECK(code(c.receive()) == 404);
            CHECK(c.receive().body == "0123456789");
            r = c.receive();
            CHECK(code(r) == 204);
            CHECK_FALSE(r.headers.contains("Content-Length"));
            CHECK(c.receive().body == "hello, b");
          },
          pieces);
    }
    CHECK(web.statistics().requests == 3 * 8);
    CHECK(web.statistics().open == 0);
  });
}

TEST_CASE("bodies go both ways in pieces, in chunks or until the end") {
  in_actor([] {
    server web(routes(), patient());
    with_client(web, [](http_client& c) {
      c.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      c.send("a;x=y\r\n, and more\r\n0\r\nX-Sum: 1\r\n\r\n");
      const auto r = c.receive();
      CHECK(r.body == "hello, and more");
      CHECK(r.headers.get("Transfer-Encoding") == "chunked");
      CHECK(r.headers.get("X-Kind") == "echo");

      const std::string much(3'000'000, 'm');
      c.send("POST /echo HTTP/1.0\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\ntext");
      const auto old = c.receive();
      CHECK(old.body == "text");
      CHECK_FALSE(old.headers.contains("Transfer-Encoding"));
      CHECK_FALSE(old.keeps_alive());
      CHECK(c.at_end());
    });
  });
}

TEST_CASE("a body of any size goes through in pieces") {
  in_actor([] {
    server web(routes(), patient());
    with_client(web, [](http_client& c) {
      const std::string much(3'000'000, 'm');
      with_scope([&](scope& s) {
        s.spawn("sender", [&] { c.send(post("/echo", much)); });
        CHECK(c.receive().body == much);
      });
      CHECK(c.ask(get("/hello/a")).body == "hello, a");
    });
  });
}

TEST_CASE("HEAD is answered as GET would be and without a body") {
  in_actor([] {
    server web(routes(), patient());
    with_client(web, [](http_client& c) {
      for (const char* target : {"/hello/a", "/exact"}) {
        c.send("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto r = c.receive(method::head);
        CHECK(code(r) == 200);
        CHECK(r.headers.contains("Content-Length"));
        CHECK(r.body.empty());
      }
      CHECK(c.ask(get("/hello/a")).body == "hello, a");
    });
  });
}

TEST_CASE("a status that has no body sends none, whatever the handler gives it") {
  in_actor([] {
    server web(routes(), patient());
    with_client(web, [](http_client& c) {
      c.send(get("/not-modified") + get("/hello/a"));
      const auto r = c.receive();
      CHECK(code(r) == 304);
      CHECK(r.headers.get("Content-Length") == "4");
      CHECK(c.receive().body == "hello, a");
    });
  });
}

TEST_CASE("another method at a path that is there is told which ones are allowed") {
  in_actor([] {
    server web(routes(), patient());
    with_client(web, [](http_client& c) {
      const auto r = c.ask("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
      CHECK(code(r) == 405);
      CHECK(r.headers.get("Allow") == "POST");
      CHECK(r.keeps_alive());
    });
  });
}

TEST_CASE("a client that waits for 100 Continue gets it when the body is read, or the answer instead") {
  in_actor([] {
    server web(routes(), patient());
    const auto head = [](const std::string& target) {
      return "POST " + target + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    };
    with_client(web, [&](http_client& c) {
      CHECK(code(c.ask(head("/whole"))) == 100);
      CHECK(c.ask("text").body == "text");
      CHECK(code(c.ask(head("/echo"))) == 100);
      CHECK(c.ask("text").body == "text");
      const auto r = c.ask(head("/ignore"));
      CHECK(r.body == "ignored");
      CHECK_FALSE(r.keeps_alive());
      CHECK(c.at_end());
    });
    with_client(web, [&](http_client& c) {  // nobody has to send what is too large
      CHECK(code(c.ask("POST /whole HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")) ==
            413);
      CHECK(c.at_end());
    });
    with_client(web, [&](http_client& c) {
      CHECK(c.ask(get("/hello/a", "Expect: 100-continue\r\n")).keeps_alive());  // for no body
      CHECK(code(c.ask(get("/hello/a", "Expect: a-miracle\r\n"))) == 417);
      CHECK(c.ask(get("/hello/a")).body == "hello, a");
    });
  });
}

TEST_CASE("who breaks a rule or a limit is told which, and the connection ends") {
  in_actor([] {
    server web(routes(), patient({.limits = {.start_line = 100, .head = 200, .body = 20}}));
    struct row {
      std::string bytes;
      unsigned wanted;
      const char* text;
    };
    const std::string chunked = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    const row rows[] = {
        {get("/" + std::string(100, 'a')), 414, "limits::start_line"},
        {get("/", "X: " + std::string(200, 'a') + "\r\n"), 431, "limits::head"},
        {post("/whole", std::string(21, 'a')), 413, "limits::body"},
        {"POST /whole HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n14\r\n" + std::string(20, 'a'),
         413, "limits::body"},
        {post("/whole", std::string(11, 'a')), 413, "must not exceed 10 octets here"},
        {"BREW / HTTP/1.1\r\n\r\n", 501, "method"},
        {"GET / HTTP/2.0\r\n\r\n", 505, "HTTP/1.1"},
        {"GET / HTTP/1.1\r\n\r\n", 400, "exactly one Host"},
        {"GET / HTTP/1.1\nHost: x\n\n", 400, "LF alone"},
        {chunked + "Content-Length: 4\r\n\r\ntext", 400, "both Content-Length and Transfer-Encoding"},
        {"POST /whole HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, "hexadecimal"},
    };
    for (const row& each : rows) {
      with_client(web, [&](http_client& c) {
        const auto r = c.ask(each.bytes);
        CHECK(code(r) == each.wanted);
        CHECK_THAT(r.body, Contains(each.text));
        if (each.wanted != 413 || r.body.find("here") == std::string::npos) {
          CHECK_FALSE(r.keeps_alive());
          CHECK(c.at_end());
        }
      });
    }
    CHECK(web.statistics().refused == std::size(rows) - 1);
    CHECK(web.statistics().failed == 0);

    with_client(web, [&](http_client& c) {  // the answer has begun
      CHECK_THAT(c.ask(chunked + "\r\n5\r\nhello\r\nx\r\n").body, Contains("must not end within a message"));
    });
  });
}

TEST_CASE("a handler that fails is answered for, reported, and costs nobody else anything") {
  in_actor([] {
    failures heard;
    server web(routes(), patient({.on_failure = heard.hear()}));
    with_client(web, [](http_client& c) {
      auto r = c.ask(get("/throw"));
      CHECK(code(r) == 500);
      CHECK_THAT(r.body, !Contains("what a handler says"));
      CHECK(r.keeps_alive());
      CHECK(code(c.ask(get("/nothing"))) == 500);
      CHECK(code(c.ask(get("/inject?to=/%0d%0aSet-Cookie:%20a"))) == 500);
      r = c.ask(get("/inject?to=/there"));
      CHECK(r.headers.get("Location") == "/there");
      r = c.ask(get("/refuse"));
      CHECK(code(r) == 409);
      CHECK(r.body == "not now\n");
      CHECK(c.ask(get("/twice")).body == "once");
      CHECK(code(c.ask(get("/continue"))) == 500);
      CHECK(code(c.ask(get("/without"))) == 500);
      CHECK(c.ask(get("/hello/a")).body == "hello, a");
    });
    for (const char* target : {"/half", "/short"}) {
      with_client(web, [&](http_client& c) {  // the client sees that it is not whole
        const auto r = c.ask(get(target));
        CHECK(code(r) == 0);
        CHECK_THAT(r.body, Contains("must not end within a message"));
      });
    }
    REQUIRE(heard.texts.size() == 8);
    CHECK(heard.texts[0] == "GET /throw: what a handler says");
    CHECK_THAT(heard.texts[1], Contains("without an answer"));
    CHECK_THAT(heard.texts[2], Contains("control characters"));
    CHECK_THAT(heard.texts[3], Contains("one answer"));
    CHECK_THAT(heard.texts[4], Contains("a status from 200 on"));
    CHECK_THAT(heard.texts[5], Contains("has no body"));
    CHECK(heard.texts[6] == "GET /half: in the middle");
    CHECK_THAT(heard.texts[7], Contains("5 are missing"));
    CHECK(web.statistics().failed == 8);
  });
}

TEST_CASE("a head that comes too slowly ends at its deadline, however busy its client is") {
  in_actor([] {
    server_options slow = patient();
    slow.head_time = 50ms;
    server web(routes(), slow);
    auto ends = net::memory_pair();
    http_client client(std::move(ends.a));
    client.send("GET / HTTP/1.1\r\nX: ");  // before the time runs
    with_scope([&](scope& s) {
      s.spawn("server", [&, conn = std::move(ends.b)]() mutable { web.serve_one(std::move(conn)); });
      s.spawn("slowly", [&] {  // 32 KiB, which is the limit, would take half a minute at least
        while (client.stream().write_all("a")) this_actor::sleep(1ms);
      });
      const auto r = client.receive();
      CHECK(code(r) == 408);
      CHECK_THAT(r.body, Contains("head_time"));
      client.stream().close();
    });
    with_client(web, [](http_client& c) { CHECK(c.at_end()); });  // says nothing at all
    CHECK(web.statistics().late == 2);
  });
}

TEST_CASE("a body that does not come and a connection without requests end at their deadlines") {
  in_actor([] {
    server_options slow = patient();
    slow.idle_time = slow.read_pause = 20ms;
    server web(routes(), slow);
    with_client(web, [](http_client& c) {
      CHECK(c.ask(get("/hello/a")).body == "hello, a");
      CHECK(c.at_end());
    });
    with_client(web, [](http_client& c) {
      c.send("POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nte");
      CHECK(c.at_end());
    });
    CHECK(web.statistics().late == 2);
    CHECK(web.statistics().failed == 0);
  });
}

TEST_CASE("a client that does not read ends at the deadline of a write") {
  in_actor([] {
    router r;
    bool gone = false;
    r.on(method::get, "/", [&](exchange& x) {
      x.begin({});
      try {
        for (;;) x.write(std::string(10'000, 'w'));
      } catch (const net::error& e) {
        gone = e.timeout();
        throw;
      }
    });
    server_options slow = patient();
    slow.write_pause = 20ms;
    server web(std::move(r), slow);
    with_client(web, [&](http_client& c) {
      c.send(get("/"));
      testing::eventually([&] { return web.statistics().late == 1 && web.statistics().open == 0; });
    });
    CHECK(gone);
    CHECK(web.statistics().failed == 0);
  });
}

TEST_CASE("an upgrade gives the handler the connection and what came behind the request") {
  in_actor([] {
    server web(routes(), patient());
    with_client(web, [](http_client& c) {
      const auto r = c.ask(get("/raw", "Connection: Upgrade\r\nUpgrade: raw\r\n") + "be");
      CHECK(code(r) == 101);
      CHECK(r.headers.get("Upgrade") == "raw");
      c.send("hind.");
      CHECK(c.raw() == "raw: behind.");
    });
    with_client(web, [](http_client& c) {
      for (const char* fields : {"", "Upgrade: raw\r\n", "Connection: Upgrade\r\n"})
        CHECK(code(c.ask(get("/raw", fields))) == 400);
      const auto r = c.ask(get("/upgrade-required", "Connection: close\r\n"));
      CHECK(code(r) == 426);
      CHECK(r.headers.has_token("Connection", "upgrade"));
      CHECK(r.headers.has_token("Connection", "close"));
    });
  });
}

TEST_CASE("misuse of an exchange says what is wrong") {
  in_actor([] {
    std::string wrong;
    const auto note = [&](auto call) {
      try {
        call();
      } catch (const misuse& e) {
        wrong += e.what() + std::string("\n");
      }
    };
    router r;
    r.on(method::get, "/", [&](exchange& x) {
      note([&] { (void)x.parameter("none"); });
      note([&] { x.write("early"); });
      note([&] { x.finish(); });
      note([&] { x.begin({.body = "text"}); });
      x.begin({}, 3);
      note([&] { x.write("four"); });
      x.write("abc");
      x.finish();
      note([&] { x.write("late"); });
      note([&] { x.begin({}); });
    });
    server web(std::move(r), patient());
    with_client(web, [](http_client& c) { CHECK(c.ask(get("/")).body == "abc"); });
    for (const char* text :
         {"parameter of that name", "exchange::write: an answer in pieces must have begun", "exchange::finish",
          "empty body", "4 where 3 are missing", "the answer is whole", "one answer"})
      CHECK_THAT(wrong, Contains(text));
    CHECK_THROWS_AS(server({}, {.connections = 0}), misuse);
  });
}
