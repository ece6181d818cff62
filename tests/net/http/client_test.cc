#include "weir/net/http/client.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/net/http/web.h"
#include "tests/testing.h"
#include "weir/net/http/error.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace weir;
using namespace std::chrono_literals;
using net::http::client;
using net::http::error_kind;
using net::http::fetch_options;
using net::http::method;
using testing::answer;
using testing::asked;
using testing::reply;
using testing::web;

namespace {

// Of what went wrong, or of nothing.
struct failure {
  std::string kind, phase, what;
};
template <class F>
failure failure_of(F f) {
  try {
    f();
  } catch (const net::http::error& e) {
    return {name_of(e.kind()), name_of(e.phase()), e.what()};
  }
  return {};
}

std::string field_of(const asked& a, std::string_view name) {
  return std::string(a.request.headers.get(name).value_or("-"));
}

fetch_options once() { return {.retries = 0}; }

}  // namespace

TEST_CASE("requests are made over one connection, and say whose they are") {
  web site([](const asked& a) { return answer(200, a.request.target + " of " + field_of(a, "Host")); });
  client::statistics made;
  std::vector<std::string> got;
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      for (const char* url : {"http://a.test", "http://a.test/x?y#z", "http://A.TEST:80/b c"})
        got.push_back(c.fetch(url).body);
      made = c.stats();
    });
  });
  CHECK(got == std::vector<std::string>{"/ of a.test", "/x?y of a.test", "/b%20c of a.test"});
  CHECK(made.connected == 1);
  CHECK(made.reused == 2);
  CHECK(made.stale == 0);
  CHECK(made.idle == 1);
  CHECK(site.connections() == 1);
  CHECK(site.closed() == 1);
  for (const asked& a : site.seen()) {
    CHECK(field_of(a, "User-Agent") == "weir");
    CHECK(field_of(a, "Accept") == "*/*");
    CHECK(field_of(a, "Accept-Encoding") == "gzip, deflate");
    CHECK(field_of(a, "Content-Length") == "-");
  }
}

TEST_CASE("method, fields and body go as they were given") {
  web site([](const asked& a) { return answer(201, a.request.body, "X-Got: " + field_of(a, "X-Mine") + "\r\n"); });
  net::http::fetched got;
  std::string large(300'000, 'x');
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      got = c.fetch("http://a.test/",
                    {.headers = {{"X-Mine", "1"}, {"user-agent", "own"}}, .method = method::post, .body = "b"});
      CHECK(c.fetch("http://a.test/", {.method = method::put, .body = large}).body == large);
      CHECK(c.fetch("http://a.test/", {.method = method::head}).status == net::http::status::created);
      c.fetch("http://a.test/", {.method = method::delete_});
      c.fetch("http://a.test/", {.method = method::post});
    });
  });
  CHECK(code_of(got.status) == 201);
  CHECK(got.body == "b");
  CHECK(got.url == "http://a.test/");
  CHECK(got.headers.get("x-got") == "1");
  const std::vector<asked> seen = site.seen();
  CHECK(field_of(seen[0], "User-Agent") == "own");
  CHECK(seen[0].request.headers.count("User-Agent") == 1);
  CHECK(field_of(seen[0], "Content-Length") == "1");
  CHECK(field_of(seen[3], "Content-Length") == "-");
  CHECK(field_of(seen[4], "Content-Length") == "0");
}

TEST_CASE("a body ends by its length, its last chunk, the end of the connection, or is none") {
  web site([](const asked& a) -> reply {
    const std::string t = a.request.target;
    if (t == "/chunks")
      return {"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"};
    if (t == "/end") return {"HTTP/1.1 200 x\r\n\r\nabcde", true};
    if (t == "/old") return {"HTTP/1.0 200 x\r\nContent-Length: 5\r\n\r\nabcde", true};
    if (t == "/none") return {"HTTP/1.1 204 x\r\n\r\n"};
    if (t == "/same") return {"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"};
    if (t == "/interim") return {"HTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nabcde"};
    if (t == "/close") return {"HTTP/1.1 200 x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde", true};
    return answer(200, "abcde");
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      for (const char* path : {"/chunks", "/length", "/none", "/same", "/interim"}) {
        INFO(path);
        const auto got = c.fetch("http://a.test" + std::string(path));
        CHECK(got.body == (path[1] == 'n' || path[1] == 's' ? "" : "abcde"));
      }
      CHECK(c.fetch("http://a.test/x", {.method = method::head}).headers.get("content-length") == "5");
      CHECK(c.stats().connected == 1);
      // None of these leaves a connection that could be used again.
      for (const char* path : {"/close", "/old", "/end"})
        CHECK(c.fetch("http://a.test" + std::string(path)).body == "abcde");
      CHECK(c.stats().connected == 3);
      CHECK(c.stats().stale == 0);
    });
  });
}

TEST_CASE("a kept connection that the server has closed costs a GET nothing, and a POST is not made twice") {
  // The second request on a connection meets a server that goes.
  web site([](const asked& a) -> reply {
    return a.nth == 2 ? reply{"", true} : answer(200, std::to_string(a.connection));
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      CHECK(c.fetch("http://a.test/", once()).body == "1");
      const auto second = c.fetch("http://a.test/", once());
      CHECK(second.body == "2");
      CHECK(second.attempts == 1);
      const failure f = failure_of([&] { c.fetch("http://a.test/", {.method = method::post, .body = "b"}); });
      CHECK(f.kind == "reset");
      CHECK(f.phase == "waiting for the response");
      CHECK(f.what ==
            "POST http://a.test/: the server has closed the connection without a response (waiting for the response). "
            "Ask again, if the request may be made twice.");
    });
  });
  CHECK(site.seen().size() == 4);
}

TEST_CASE("a kept connection is looked at before it is used") {
  web site([](const asked& a) -> reply {
    reply r = answer(200, std::to_string(a.connection));
    r.close = a.connection == 1;  // without having said so
    if (a.connection == 2) r.bytes += "unasked";
    return r;
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      CHECK(c.fetch("http://a.test/").body == "1");
      testing::eventually([&] { return site.closed() == 1; });
      CHECK(c.fetch("http://a.test/", {.retries = 0, .method = method::post, .body = "b"}).body == "2");
      CHECK(c.fetch("http://a.test/", {.retries = 0, .method = method::post, .body = "b"}).body == "3");
      CHECK(c.stats().idle == 1);
      CHECK(c.stats().reused == 0);
    });
  });
  CHECK(site.seen().size() == 3);
}

TEST_CASE("connections go when they have been idle for too long, are too many, or are to go") {
  web site([](const asked& a) { return answer(200, std::to_string(a.connection)); });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o = site.in(s);
      o.idle_time = 0ns;
      {
        client c(o);
        CHECK(c.fetch("http://a.test/").body == "1");
        CHECK(c.fetch("http://a.test/").body == "2");
      }
      o.idle_time = 1h, o.connections = 2;
      client c(o);
      for (const char* host : {"http://a.test", "http://b.test", "http://c.test"}) c.fetch(host);
      CHECK(c.stats().idle == 2);
      CHECK(c.fetch("http://c.test").body == "5");
      CHECK(c.fetch("http://b.test").body == "4");
      CHECK(c.fetch("http://a.test").body == "6");  // the one idle for the longest had to go
      c.close_idle();
      CHECK(c.stats().idle == 0);
      CHECK(c.fetch("http://a.test").body == "7");
      // Those in use count.
      CHECK(c.fetch("http://b.test").body == "8");
      CHECK(c.stats().idle == 2);
      {
        const net::http::incoming held = c.open("http://c.test");
        CHECK(c.stats().idle == 1);
        CHECK(c.fetch("http://b.test").body == "8");
        const net::http::incoming other = c.open("http://d.test");
        CHECK(c.stats().idle == 0);
        CHECK(c.fetch("http://b.test").body == "11");
        CHECK(c.stats().idle == 0);
      }
      CHECK(c.fetch("http://b.test").body == "12");
      CHECK(c.stats().idle == 1);
      o.connections = 0;
      client keeps_none(o);
      CHECK(keeps_none.fetch("http://a.test").body == "13");
      CHECK(keeps_none.fetch("http://a.test").body == "14");
      CHECK(keeps_none.stats().idle == 0);
    });
  });
}

TEST_CASE("no more connections than allowed are made to one host, and whoever waits gets one") {
  const int rounds = testing::rounds(30);
  std::atomic<int> active{0};
  web site([&](const asked& a) {
    const int now = ++active;
    if (a.request.target == "/") EXPECT(now <= 3);
    this_actor::yield();
    this_actor::yield();
    --active;
    return answer(200, "x");
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o = site.in(s);
      o.per_host = 3;
      client c(o);
      const auto ask = [&](auto once) {
        with_scope([&](scope& all) {
          for (int i = 0; i < 10; ++i)
            all.spawn("asker", [&] {
              for (int j = 0; j < rounds; ++j) once(j);
            });
        });
      };
      ask([&](int) { EXPECT(c.fetch("http://a.test/").body == "x"); });
      CHECK(site.connections() <= 3);
      // With bodies that are given up the server may learn of an end later than the client makes the next connection.
      ask([&](int j) {
        if (j % 3 == 0)
          EXPECT(code_of(c.open("http://a.test/given-up").head().status) == 200);
        else
          EXPECT(c.fetch("http://a.test/read").body == "x");
      });
      CHECK(c.stats().idle <= 3);
    });
  });
  CHECK(site.seen().size() == static_cast<std::size_t>(20 * rounds));
}

TEST_CASE("what another attempt may mend is tried again, and nothing else") {
  std::string after = "Retry-After: 0\r\n";
  web site([&](const asked& a) -> reply {
    const std::string t = a.request.target;
    if (t == "/always") return answer(503, "busy");
    if (t == "/late") return answer(503, "busy", "Retry-After: 3600\r\n");
    return answer(500, "broken");
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      const auto ask = [&](const char* path, fetch_options o) {
        return client(site.in(s)).fetch("http://a.test" + std::string(path), o);
      };
      net::http::fetched got;
      {
        web again([&](const asked& a) { return a.nth < 3 ? answer(503, "busy", after) : answer(200, "fine"); });
        with_scope([&](scope& inner) { got = client(again.in(inner)).fetch("http://a.test/"); });
        CHECK(got.body == "fine");
        CHECK(got.attempts == 3);
        CHECK(again.connections() == 1);
      }
      got = ask("/always", {.retries = 2});
      CHECK(code_of(got.status) == 503);
      CHECK(got.body == "busy");
      CHECK(got.attempts == 3);
      got = ask("/always", {.retries = 2, .method = method::post});
      CHECK(got.attempts == 1);
      // Beyond the deadline: no use to wait.
      got = ask("/late", {.timeout = 60s});
      CHECK(code_of(got.status) == 503);
      CHECK(got.attempts == 1);
      got = ask("/other", {});
      CHECK(code_of(got.status) == 500);
      CHECK(got.attempts == 1);
    });
  });
}

TEST_CASE("a response that is torn is one only after a retry, and never a shorter one") {
  web site([](const asked& a) -> reply {
    if (a.connection == 1) return {"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nabc", true};
    if (a.connection == 2) return {"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true};
    if (a.connection == 3) return {"HTTP/1.1 200", true};
    if (a.connection == 4) return {"", true};
    return answer(200, "whole");
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      const auto got = c.fetch("http://a.test/", {.retries = 4});
      CHECK(got.body == "whole");
      CHECK(got.attempts == 5);
    });
  });
  for (const char* bytes : {"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nabc",
                            "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    web torn([&](const asked&) -> reply { return {bytes, true}; });
    failure f;
    testing::in_actor([&] {
      with_scope([&](scope& s) {
        client c(torn.in(s));
        f = failure_of([&] { c.fetch("http://a.test/", once()); });
      });
    });
    CHECK(f.kind == "truncated");
    CHECK(
        f.what ==
        "GET http://a.test/: the server has closed the connection after 3 bytes of the body (receiving the body). Ask "
        "again, if what came is of no use.");
  }
}

TEST_CASE("what is no HTTP, or too much of it, is refused in words") {
  struct sample {
    std::string bytes;
    const char* kind;
    const char* says;
  };
  const sample samples[] = {
      {"SSH-2.0-OpenSSH\r\n\r\n", "protocol", "the version must be HTTP/1.0 or HTTP/1.1"},
      {"HTTP/1.1 200 x\r\nA b\r\n\r\n", "protocol", "a field must be a name"},
      {"HTTP/1.1 200 x\nA: b\n\n", "protocol", "CR LF"},
      {"HTTP/1.1 200 x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "protocol", "Content-Length must come once"},
      {"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "protocol", "a chunk must begin with its size"},
      {"HTTP/1.1 200 x\r\nA: " + std::string(40'000, 'a'), "too_large", "a head"},
      {"HTTP/1.1 200 x\r\nContent-Length: 999999999\r\n\r\n", "too_large", "a body of 999999999 bytes"},
      {"HTTP/1.1 101 x\r\n\r\n", "protocol", "the server answers 101"},
      {"HTTP/1.1 200 x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "coding", "the body comes as \"br\""},
      {"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz", "coding", "damaged"},
  };
  for (const sample& sent : samples) {
    INFO(sent.says);
    web site([&](const asked&) -> reply { return {sent.bytes, true}; });
    failure f;
    testing::in_actor([&] {
      with_scope([&](scope& s) {
        client c(site.in(s));
        f = failure_of([&] { c.fetch("http://a.test/"); });
      });
    });
    CHECK(f.kind == sent.kind);
    INFO(f.what);
    CHECK(f.what.find(sent.says) != f.what.npos);
    CHECK(site.connections() == 1);
  }
  // Endless interim responses.
  std::string many;
  for (int i = 0; i < 100; ++i) many += "HTTP/1.1 102 x\r\n\r\n";
  web site([&](const asked&) -> reply { return {many, true}; });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      CHECK(failure_of([&] { c.fetch("http://a.test/", once()); }).kind == "protocol");
    });
  });
}

TEST_CASE("a server that goes behind an interim response is found out") {
  web site([](const asked&) -> reply { return {"HTTP/1.1 102 x\r\n\r\n", true}; });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      CHECK(failure_of([&] { c.fetch("http://a.test/", once()); }).kind == "truncated");
    });
  });
}

TEST_CASE("a body is read piece by piece, and one that is given up closes its connection") {
  const std::string large(1'000'000, 'y');
  web site([&](const asked&) { return answer(200, large); });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o = site.in(s);
      o.per_host = 1;
      client c(o);
      {
        net::http::incoming in = c.open("http://a.test/");
        CHECK(in.head().headers.get("Content-Length") == "1000000");
        std::string all, part(1000, '\0');
        while (const std::size_t n = in.read_some(part)) all.append(part, 0, n);
        CHECK(all == large);
        CHECK(in.read_some(part) == 0);
        CHECK(c.stats().idle == 1);  // also while the response is still held
        CHECK(c.fetch("http://a.test/").body == large);
      }
      CHECK(c.stats().connected == 1);
      {
        net::http::incoming in = c.open("http://a.test/");
        std::string part(1000, '\0');
        CHECK(in.read_some(part) > 0);
      }
      testing::eventually([&] { return site.closed() == 1; });
      CHECK(c.stats().idle == 0);
      CHECK(c.fetch("http://a.test/").body == large);
      CHECK(c.stats().connected == 2);
      net::http::incoming in = c.open("http://a.test/");
      CHECK(failure_of([&] { in.read_all(999'999); }).kind == "too_large");
      CHECK_THROWS_AS(in.read_all(1), misuse);
      CHECK(c.open("http://a.test/").read_all(1'000'000) == large);
      CHECK_THROWS_AS(c.open("http://a.test/").read_some(net::mutable_buffer()), misuse);
    });
  });
}

TEST_CASE("the deadline ends a request wherever it waits, not early, and says where that was") {
  struct sample {
    std::string bytes;
    const char* phase;
  };
  for (const sample& sent : {sample{"", "waiting for the response"}, sample{"HTTP/1.1 200", "waiting for the response"},
                             sample{"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nabc", "receiving the body"}}) {
    // The server may be slower than the deadline; then once more with a longer one.
    for (std::chrono::milliseconds limit = 30ms;; limit *= 2) {
      web site([&](const asked&) -> reply { return {sent.bytes, false, true}; });
      failure f;
      std::chrono::steady_clock::duration took{};
      testing::in_actor([&] {
        with_scope([&](scope& s) {
          client c(site.in(s));
          const auto begin = std::chrono::steady_clock::now();
          f = failure_of([&] { c.fetch("http://a.test/", {.timeout = limit, .retries = 5}); });
          took = std::chrono::steady_clock::now() - begin;
        });
      });
      REQUIRE(f.kind == "timeout");
      CHECK(took >= limit);
      CHECK(site.connections() == 1);
      if (f.phase == sent.phase) break;
    }
  }
  web site([&](const asked&) -> reply { return {"", false, true}; });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o = site.in(s);
      o.per_host = 1;
      client c(o);
      with_scope([&](scope& all) {
        all.spawn("holds the only place", [&] { c.fetch("http://a.test/"); });
        testing::eventually([&] { return site.seen().size() == 1; });
        const failure f = failure_of([&] { c.fetch("http://a.test/", {.timeout = 30ms}); });
        CHECK(f.kind == "timeout");
        CHECK(f.phase == "waiting for a connection to be free");
        CHECK(failure_of([&] { c.fetch("http://a.test/", {.until = deadline(30ms)}); }).kind == "timeout");
        all.cancel();
      });
    });
  });
}

TEST_CASE("a cancel ends a request and closes its connection") {
  web site([](const asked& a) -> reply {
    return {a.request.target == "/body" ? "HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nabc" : "", false, true};
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      for (const char* url : {"http://a.test/head", "http://a.test/body"}) {
        const int before = site.closed();
        bool returned = false;
        with_scope([&](scope& inner) {
          inner.spawn("asker", [&] {
            c.fetch(url);
            returned = true;
          });
          testing::eventually([&] {
            return site.connections() == before + 1 && site.seen().size() == static_cast<std::size_t>(before + 1);
          });
          inner.cancel();
        });
        testing::eventually([&] { return site.closed() == before + 1; });
        CHECK_FALSE(returned);
        CHECK(c.stats().idle == 0);
      }
    });
  });
}

TEST_CASE("a plain thread asks too, and blocks") {
  web site([](const asked& a) { return answer(200, a.request.target); });
  std::string got;
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o = site.in(s);
      net::stream made = o.dial(net::http::url::parse("http://a.test"), {});  // a thread cannot spawn in the scope
      o.dial = [&made](const net::http::url&, deadline) { return std::move(made); };
      std::thread asker([&got, &o] {
        client c(o);
        got = c.fetch("http://a.test/1").body + c.fetch("http://a.test/2").body;
      });
      blocking([&] { asker.join(); });
    });
  });
  CHECK(got == "/1/2");
  CHECK(site.connections() == 1);
}

TEST_CASE("what the caller may not say is misuse") {
  testing::in_actor([] {
    CHECK_THROWS_AS(client({.per_host = 0}), misuse);
    client c;
    CHECK_THROWS_AS(c.fetch("http://a.test/", {.retries = -1}), misuse);
    CHECK_THROWS_AS(c.fetch("http://a.test/", {.redirects = -1}), misuse);
    CHECK_THROWS_AS(c.fetch("http://a.test/", {.headers = {{"Host", "b"}}}), misuse);
    CHECK_THROWS_AS(c.fetch("http://a.test/", {.headers = {{"content-length", "1"}}}), misuse);
    CHECK_THROWS_AS(c.fetch("http://a.test/", {.method = method::connect}), misuse);
    const failure f = failure_of([&] { c.fetch("a.test"); });
    CHECK(f.kind == "bad_url");
    CHECK(f.what ==
          "GET a.test: URL \"a.test\": expected \"http://\" or \"https://\"; found \"a.test\" without one (column 1) "
          "(preparing the request). Write it as http://host/path or https://host/path.");
  });
}

TEST_CASE("nobody there, and no such name, are told apart") {
  testing::in_actor([] {
    client c;
    const failure f = failure_of([&] { c.fetch("http://127.0.0.1:1/", once()); });
    CHECK(f.kind == "connect");
    CHECK(f.phase == "connecting");
    CHECK(failure_of([&] { c.fetch("http://" + std::string(64, 'a') + "/", once()); }).kind == "name");
  });
}
