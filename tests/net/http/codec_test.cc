// Messages that are right: what they are read as, in whatever pieces, and how they are written.
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/http/events.h"
#include "weir/net/http/reader.h"
#include "weir/net/http/writer.h"
#include "weir/runtime/base/errors.h"

using namespace weir::net::http;
using Catch::Contains;
using testing::events;
using testing::events_of;

namespace {

using texts = std::vector<std::string>;

const std::string pipelined =
    "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nAccept: \t a, b \r\n\r\n"
    "POST /p HTTP/1.1\r\nhost: x\r\nContent-Length: 5\r\n\r\nhello"
    "\r\nPUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
    "5\r\nhello\r\n00b;name=\"value\"\r\n, \r\n\r\nworld\r\n0\r\nX-Sum: 1\r\n\r\n"
    "HEAD * HTTP/1.0\r\n\r\n";

const texts pipelined_events = {
    "head GET /a?b=c|Host:x|X-Empty:|Accept:a, b",
    "end",
    "head POST /p|host:x|Content-Length:5",
    "body hello",
    "end",
    "head PUT /c|Host:x|Transfer-Encoding:Chunked",
    "body hello, \r\n\r\nworld",
    "end|X-Sum:1",
};

}  // namespace

TEST_CASE("messages that are split at any byte are the same messages") {
  const std::string bytes = pipelined.substr(0, pipelined.find("HEAD"));
  CHECK(events(bytes) == pipelined_events);
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    request_reader in;
    const texts got = events_of(in, bytes, [&](std::size_t left) { return left == bytes.size() ? at : left; });
    if (got != pipelined_events) FAIL_CHECK("split at " << at);
    CHECK(in.at_boundary());
    CHECK(in.offset() == bytes.size());
  }
  request_reader in;
  CHECK(events_of(in, bytes, [](std::size_t) { return 1; }) == pipelined_events);
}

TEST_CASE("a connection that ends within a message is cut off and one that ends between two is not") {
  const std::string bytes = pipelined.substr(0, pipelined.find("\r\nPUT"));
  std::size_t whole = 0;
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    request_reader in;
    events_of(in, std::string_view(bytes).substr(0, n));
    in.ended();
    const input r = in.next();
    if (in.at_boundary()) {
      ++whole;
      CHECK(r == input::more);
    } else {
      CHECK(r == input::failed);
      CHECK(in.failure().broken == rule::cut_off);
      CHECK(in.failure().offset == n);
    }
  }
  CHECK(whole == 3);  // before, between and behind the two messages
}

TEST_CASE("responses are framed by their status, what they answer, their fields, or the end") {
  struct row {
    method asked;
    const char* bytes;
    texts wanted;
  };
  const row rows[] = {
      {method::get,
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
       {"head 200 OK|Content-Length:2", "body ab", "end"}},
      {method::get, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", {"head 200 |Content-Length:0", "end"}},
      {method::head, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", {"head 200 OK|Content-Length:9", "end"}},
      {method::get, "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", {"head 304 x|Content-Length:9", "end"}},
      {method::get, "HTTP/1.1 204 x\r\n\r\n", {"head 204 x", "end"}},
      {method::get,
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
       {"head 100 Continue", "end", "head 200 OK|Content-Length:1", "body a", "end"}},
      {method::get,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
       {"head 200 OK|Transfer-Encoding:chunked", "body a", "end"}},
  };
  for (const row& each : rows) {
    response_reader in;
    in.expect(each.asked);
    CHECK(events_of(in, each.bytes) == each.wanted);
    CHECK(in.at_boundary());
  }

  response_reader until_end;
  CHECK(events_of(until_end, "HTTP/1.0 200 OK\r\n\r\nabc") == texts{"head 200 OK close", "body abc"});
  CHECK_FALSE(until_end.body_length());
  until_end.ended();
  CHECK(until_end.next() == input::end);
}

TEST_CASE("what comes behind an upgrade or a tunnel is given up as it is") {
  response_reader in;
  CHECK(events_of(in, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n\x81\x01z") ==
        texts{"head 101 x|Upgrade:websocket", "end"});
  CHECK(in.next() == input::more);
  CHECK(in.take_unread() == "\x81\x01z");
  CHECK(in.take_unread().empty());

  response_reader tunnel;
  tunnel.expect(method::connect);
  CHECK(events_of(tunnel, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").size() == 2);
  CHECK(tunnel.take_unread() == "abc");

  request_reader asked;
  const std::string head =
      "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const std::string bytes = head + "rest";
  asked.feed(bytes);
  REQUIRE(asked.next() == input::head);
  CHECK(asked.head().headers.has_token("connection", "upgrade"));
  REQUIRE(asked.next() == input::end);
  CHECK(asked.take_unread() == "rest");
  CHECK(asked.at_boundary());
}

TEST_CASE("a body is handed on in pieces and a buffer does not grow with it") {
  request_reader in({.body = 1 << 30});
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
  in.feed(head);
  REQUIRE(in.next() == input::head);
  CHECK(in.body_length() == 1'000'000'000u);
  REQUIRE(in.next() == input::more);
  std::size_t most = 0, seen = 0;
  for (int i = 0; i < 100; ++i) {
    const weir::net::mutable_buffer room = in.room();
    most = std::max(most, room.size());
    in.filled(room.size());
    REQUIRE(in.next() == input::body);
    seen += in.piece().size();
    REQUIRE(in.next() == input::more);
  }
  CHECK(most <= 64 * 1024);
  CHECK(seen == 100 * most);

  request_reader other;  // and between messages the large buffer is given back
  other.feed(weir::net::const_buffer("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"));
  REQUIRE(other.next() == input::head);
  REQUIRE(other.next() == input::more);
  CHECK(other.room().size() >= 16 * 1024);
  other.feed(weir::net::const_buffer("x"));
  REQUIRE(other.next() == input::body);
  REQUIRE(other.next() == input::end);
  REQUIRE(other.next() == input::more);
  CHECK(other.room().size() <= 4 * 1024);
}

TEST_CASE("the line before a chunk may be longer than a head if it is allowed to be") {
  const limits most = {.chunk_line = 100'000, .chunk_extensions = 100'000};
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto got = testing::events(head + "1;" + std::string(90'000, 'x') + "\r\na\r\n0\r\n\r\n", most);
  REQUIRE(got.size() == 3);
  CHECK(got[1] == "body a");
  CHECK(got[2] == "end");
}

TEST_CASE("a client that waits for 100 Continue says so") {
  request_reader in;
  const std::string bytes = "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
  in.feed(bytes);
  REQUIRE(in.next() == input::head);
  CHECK(in.expects_continue());
}

TEST_CASE("a connection goes on or ends as version and Connection say") {
  const auto keeps = [](const std::string& first, const std::string& connection) {
    request_reader in;
    const std::string bytes = first + "\r\nHost: x\r\n" + connection + "\r\n";
    in.feed(bytes);
    REQUIRE(in.next() == input::head);
    return in.head().keeps_alive();
  };
  CHECK(keeps("GET / HTTP/1.1", ""));
  CHECK_FALSE(keeps("GET / HTTP/1.1", "Connection: foo, Close\r\n"));
  CHECK_FALSE(keeps("GET / HTTP/1.1", "Connection: foo\r\nConnection: close\r\n"));
  CHECK_FALSE(keeps("GET / HTTP/1.0", ""));
  CHECK(keeps("GET / HTTP/1.0", "Connection: Keep-Alive\r\n"));
}

TEST_CASE("what is written is read as the same") {
  request r{
      .method = method::post, .target = "/a?b", .headers = {{"Host", "x:1"}, {"X-A", " spaces "}}, .body = "text"};
  std::string out;
  write_message(out, r);
  CHECK(out == "POST /a?b HTTP/1.1\r\nHost: x:1\r\nX-A: spaces\r\nContent-Length: 4\r\n\r\ntext");
  CHECK(events(out) == texts{"head POST /a?b|Host:x:1|X-A:spaces|Content-Length:4", "body text", "end"});

  out.clear();
  write_head(out, r, body_plan::chunked());
  write_chunk(out, "some");
  write_chunk(out, "");
  write_chunk(out, std::string(20, 'x'));
  write_last_chunk(out, {{"X-Sum", "7"}});
  CHECK(events(out) == texts{"head POST /a?b|Host:x:1|X-A:spaces|Transfer-Encoding:chunked",
                             "body some" + std::string(20, 'x'), "end|X-Sum:7"});

  out.clear();
  write_message(out, response{.status = status::not_found, .headers = {{"X-A", "1"}}, .body = "no"});
  CHECK(out == "HTTP/1.1 404 Not Found\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nno");
  out.clear();
  write_message(out, response{});
  CHECK(out == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  out.clear();
  write_head(out, response{.status = status::no_content}, body_plan::none());
  CHECK(out == "HTTP/1.1 204 No Content\r\n\r\n");
  out.clear();
  write_head(out, response{}, body_plan::until_end());
  CHECK(out == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  out.clear();
  write_head(out, request{.method = method::get, .headers = {{"Host", "x"}}}, body_plan::none());
  CHECK(out == "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
}

TEST_CASE("nothing that is written can be another message than what was meant") {
  headers h;
  CHECK_THROWS_WITH(h.add("X-A", "1\r\nSet-Cookie: x"), Contains("control characters") && Contains("\\x0d\\x0a"));
  CHECK_THROWS_AS(h.add("X-A", "1\n"), weir::misuse);
  CHECK_THROWS_AS(h.add("X-A", std::string_view("\0", 1)), weir::misuse);
  CHECK_THROWS_AS(h.set("X A", "1"), weir::misuse);
  CHECK_THROWS_AS(h.set("X-A:", "1"), weir::misuse);
  CHECK_THROWS_AS(h.add("", "1"), weir::misuse);
  CHECK(h.empty());

  std::string out;
  const headers host = {{"Host", "x"}};
  for (const char* target : {"", "/a b", "/a\r\n", "/\xc3\xa4", "/a\tb"})
    CHECK_THROWS_AS(write_head(out, request{.target = target, .headers = host}, body_plan::none()), weir::misuse);
  CHECK_THROWS_AS(write_head(out, response{.reason = "a\r\nb"}, body_plan::none()), weir::misuse);
  CHECK_THROWS_AS(write_head(out, request{}, body_plan::none()), weir::misuse);
  CHECK_THROWS_WITH(write_head(out, response{.headers = {{"content-length", "5"}}}, body_plan::none()),
                    Contains("must not frame") && Contains("Content-Length: 5"));
  CHECK_THROWS_AS(write_head(out, response{.headers = {{"Transfer-Encoding", "x"}}}, body_plan::none()), weir::misuse);
  CHECK_THROWS_AS(write_head(out, response{.version = version::http_1_0}, body_plan::chunked()), weir::misuse);
  CHECK_THROWS_AS(write_head(out, response{.status = status::no_content}, body_plan::length(1)), weir::misuse);
  CHECK_THROWS_AS(write_head(out, request{.headers = host}, body_plan::until_end()), weir::misuse);
  CHECK_THROWS_AS(write_message(out, response{.status = status::not_modified, .body = "x"}), weir::misuse);
  CHECK(out.empty());
}

TEST_CASE("fields keep their order and their names have no case") {
  headers h = {{"A", "1"}, {"b", "2"}, {"a", "3"}};
  CHECK(h.get("a") == "1");
  CHECK(h.all("A") == std::vector<std::string_view>{"1", "3"});
  CHECK(h.count("B") == 1);
  CHECK_FALSE(h.contains("c"));
  h.set("A", "4");
  CHECK(testing::text_of(h) == "|A:4|b:2");
  h.set("c", "5");
  CHECK(h.erase("B") == 1);
  CHECK(testing::text_of(h) == "|A:4|c:5");
  h.add("C", "x , Y");
  CHECK(h.has_token("c", "y"));
  CHECK_FALSE(h.has_token("c", "x , y"));
}

TEST_CASE("a target has a path and a query, decoded on demand") {
  const request r{.target = "http://example.com:80/a%20b/c?x=1&y=a+b%26&z"};
  CHECK(r.path() == "/a%20b/c");
  CHECK(percent_decoded(r.path()) == "/a b/c");
  CHECK(percent_decoded("%4g%4") == "%4g%4");
  CHECK(query_value(r.query(), "y") == "a b&");
  CHECK(query_value(r.query(), "z", "none").empty());
  CHECK(query_value(r.query(), "w", "none") == "none");
  CHECK(request{.target = "http://example.com"}.path() == "/");
  CHECK(request{.target = "/?a=http://b"}.query() == "a=http://b");
}
