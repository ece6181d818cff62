#include <sys/socket.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "tests/net/http/web.h"
#include "tests/net/raw_socket.h"
#include "tests/testing.h"
#include "weir/net/http/client.h"
#include "weir/net/http/error.h"
#include "weir/net/http/internal/redirect.h"
#include "weir/net/http/internal/retry.h"
#include "weir/net/http/url.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"

using namespace weir;
using namespace std::chrono_literals;
using net::http::client;
using net::http::method;
using net::http::status;
using testing::answer;
using testing::asked;
using testing::reply;
using testing::web;

namespace {

// `ends`: else all of the text is there, and more could come.
std::string gzipped(const std::string& text, bool ends = true) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string made(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data())), z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(made.data()), z.avail_out = static_cast<uInt>(made.size());
  REQUIRE(deflate(&z, ends ? Z_FINISH : Z_SYNC_FLUSH) == (ends ? Z_STREAM_END : Z_OK));
  made.resize(z.total_out);
  deflateEnd(&z);
  return made;
}

std::string kind_of(client& c, const std::string& url, const net::http::fetch_options& o = {}) {
  try {
    c.fetch(url, o);
  } catch (const net::http::error& e) {
    UNSCOPED_INFO(e.what());
    return name_of(e.kind());
  }
  return "";
}

// Answers so many requests, one after the other, with a head and a body without an end, which comes faster than it is
// read: from a thread that does nothing else.
class torrent {
 public:
  torrent(int requests, std::string head, std::string pieces)
      : listening_(testing::raw_socket::listening(requests)), server_([=, this] {
          for (int i = 0; i < requests; ++i) {
            const testing::raw_socket peer(accept4(listening_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
            EXPECT(send(peer.fd(), head.data(), head.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(head.size()));
            while (send(peer.fd(), pieces.data(), pieces.size(), MSG_NOSIGNAL) > 0) {
            }
          }
        }) {}
  ~torrent() { server_.join(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(listening_.port()) + "/"; }

 private:
  const testing::raw_socket listening_;
  std::thread server_;
};

}  // namespace

TEST_CASE("redirects are followed, over the same connection where that can be") {
  web site([](const asked& a) -> reply {
    const std::string t = a.request.target;
    if (t == "/1") return answer(302, "some body", "Location: 2/x\r\n");
    if (t == "/2/x") return answer(301, "", "Location: ../3?q#f\r\n");
    if (t == "/3?q") return answer(307, "", "Location: //b.test/4\r\n");
    if (t == "/4") return answer(308, "", "Location: http://a.test/5\r\n");
    return answer(200, a.host + t);
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      const auto got = c.fetch("http://a.test/1");
      CHECK(got.body == "http://a.test/5");
      CHECK(got.url == "http://a.test/5");
      CHECK(got.redirects == 4);
      CHECK(got.attempts == 1);
      CHECK(site.connections() == 2);
      const auto first = c.fetch("http://a.test/1", {.redirects = 0});
      CHECK(first.status == status::found);
      CHECK(first.body == "some body");
      CHECK(kind_of(c, "http://a.test/1", {.redirects = 3}) == "redirect");
      CHECK(kind_of(c, "http://a.test/1", {.redirects = 4}) == "");
    });
  });
}

TEST_CASE("a redirect in a circle, or to nowhere, is an error, and one without a place is a response") {
  web site([](const asked& a) -> reply {
    const std::string t = a.request.target;
    if (t == "/self") return answer(302, "", "Location: /self\r\n");
    if (t == "/a") return answer(302, "", "Location: /b\r\n");
    if (t == "/b") return answer(302, "", "Location: http://a.test/a#again\r\n");
    if (t == "/file") return answer(302, "", "Location: file:///etc/passwd\r\n");
    if (t == "/port") return answer(302, "", "Location: http://h:99999/\r\n");
    if (t == "/form" && a.request.method == method::post) return answer(303, "", "Location: /form\r\n");
    if (t.starts_with("/more")) return answer(302, "", "Location: " + t + "x\r\n");
    return answer(t == "/lost" ? 302 : 200, t);
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      CHECK(kind_of(c, "http://a.test/self") == "redirect");
      CHECK(kind_of(c, "http://a.test/a") == "redirect");
      CHECK(site.seen().size() == 3);
      CHECK(kind_of(c, "http://a.test/file") == "bad_url");
      CHECK(kind_of(c, "http://a.test/port") == "bad_url");
      CHECK(kind_of(c, "http://a.test/more", {.redirects = 5}) == "redirect");
      CHECK(c.fetch("http://a.test/lost").body == "/lost");
      CHECK(c.fetch("http://a.test/form", {.method = method::post, .body = "x"}).body == "/form");
    });
  });
}

TEST_CASE("what a redirect makes of method, body and secrets") {
  struct sample {
    method before;
    status s;
    method after;
    bool has_body;
  };
  for (const sample& x : {sample{method::post, status::moved_permanently, method::get, false},
                          sample{method::post, status::found, method::get, false},
                          sample{method::post, status::see_other, method::get, false},
                          sample{method::post, status::temporary_redirect, method::post, true},
                          sample{method::post, status::permanent_redirect, method::post, true},
                          sample{method::put, status::found, method::put, true},
                          sample{method::put, status::see_other, method::get, false},
                          sample{method::get, status::see_other, method::get, true},
                          sample{method::head, status::see_other, method::head, true}})
    for (const char* to : {"https://a.test/y", "https://b.test/y", "http://a.test/y", "https://a.test:444/y"}) {
      INFO(name_of(x.before) << " " << code_of(x.s) << " to " << to);
      net::http::request r{.method = x.before, .target = "/x", .body = "b"};
      r.headers = {
          {"Host", "a.test"}, {"Authorization", "secret"}, {"Cookie", "secret"}, {"Content-Type", "t"}, {"X", "y"}};
      const auto from = net::http::url::parse("https://a.test/x"), there = net::http::url::parse(to);
      net::http::internal::redirect(r, x.s, from, there);
      CHECK(r.method == x.after);
      CHECK(r.target == "/y");
      CHECK(r.body == (x.has_body ? "b" : ""));
      CHECK(r.headers.contains("Content-Type") == x.has_body);
      CHECK(r.headers.contains("X"));
      CHECK(r.headers.get("Host") == there.authority());
      const bool same = std::string(to) == "https://a.test/y";
      CHECK(r.headers.contains("Authorization") == same);
      CHECK(r.headers.contains("Cookie") == same);
    }
}

TEST_CASE("a body that comes as gzip is inflated, unless the caller wants it as it comes") {
  const std::string text = "weir holds a river at a level. ";
  std::string all;
  for (int i = 0; i < 10'000; ++i) all += text;
  const std::string small = gzipped(all);
  web site([&](const asked& a) -> reply {
    if (a.request.target == "/bomb")
      return answer(200, gzipped(std::string(20'000'000, '\0')), "Content-Encoding: gzip\r\n");
    if (a.request.target == "/torn")
      return answer(200, small.substr(0, small.size() - 1), "Content-Encoding: gzip\r\n");
    if (a.request.target == "/plain") return answer(200, text, "Content-Encoding: identity\r\n");
    if (a.request.target == "/none") return answer(200, "", "Content-Encoding: gzip\r\n");
    return answer(200, small, "Content-Encoding: gzip\r\n");
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o = site.in(s);
      client c(o);
      auto got = c.fetch("http://a.test/");
      CHECK(got.body == all);
      CHECK_FALSE(got.headers.contains("Content-Encoding"));
      CHECK_FALSE(got.headers.contains("Content-Length"));
      got = c.fetch("http://a.test/", {.headers = {{"Accept-Encoding", "gzip"}}});
      CHECK(got.body == small);
      CHECK(got.headers.contains("Content-Encoding"));
      CHECK(c.fetch("http://a.test/", {.headers = {{"Range", "bytes=0-"}}}).body == small);
      CHECK(c.fetch("http://a.test/plain").body == text);
      CHECK(c.fetch("http://a.test/none").body == "");
      CHECK(c.fetch("http://a.test/", {.method = method::head}).body == "");
      CHECK(kind_of(c, "http://a.test/bomb") == "too_large");
      CHECK(kind_of(c, "http://a.test/torn") == "coding");
      o.limits.body = all.size() - 1;
      client narrow(o);
      CHECK(kind_of(narrow, "http://a.test/") == "too_large");
      // Piece by piece only the ratio counts.
      CHECK(narrow.open("http://a.test/").read_all(all.size()) == all);
    });
  });
}

TEST_CASE("what a coded body has come to is read before more of it is waited for") {
  const std::string text(100'000, 'y');
  web site([&](const asked&) -> reply {
    return {"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\n\r\n" + gzipped(text, false), false, true};
  });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      net::http::incoming in = c.open("http://a.test/", {.timeout = 1h});
      std::string all, part(100, '\0');
      while (all.size() < text.size()) all.append(part, 0, in.read_some(part));
      CHECK(all == text);
    });
  });
}

TEST_CASE("a coded body that goes on and becomes nothing does not outlast its deadline or a cancel") {
  std::string blocks;
  for (int i = 0; i < 200'000; ++i) blocks.append("\0\0\0\xff\xff", 5);  // each a stored block of no octets
  const torrent server(2, {"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03", 52}, blocks);
  testing::in_actor([&] {
    client c;
    CHECK_THROWS_AS(c.open(server.url(), {.timeout = 50ms}).read_all(100), net::http::error);
    bool went_on = false;
    with_scope([&](scope& s) {
      s.spawn("reader", [&] {
        (void)c.open(server.url(), {.timeout = 1h}).read_all(100);
        went_on = true;
      });
      this_actor::sleep(20ms);
      s.cancel();
    });
    CHECK_FALSE(went_on);
  });
}

TEST_CASE("a body without an end does not outlast its deadline or a cancel, however fast it comes") {
  struct sample {
    std::string head, piece;
  };
  for (const sample& x : {sample{"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
                          sample{{"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03", 52},
                                 {"\0\1\0\xfe\xffx", 6}}}) {  // a stored block of one octet
    std::string pieces;
    for (int i = 0; i < 200'000; ++i) pieces += x.piece;
    const torrent server(2, x.head, pieces);
    testing::in_actor([&] {
      client c;
      CHECK(kind_of(c, server.url(), {.timeout = 50ms}) == "timeout");  // and not its size, which comes much later
      event reads;
      bool went_on = false;
      with_scope([&](scope& s) {
        s.spawn("reader", [&] {
          net::http::incoming in = c.open(server.url(), {.timeout = 1h});
          std::string part(4096, '\0');
          for (std::size_t all = 0; all < 100'000'000; reads.set()) all += in.read_some(part);
          went_on = true;
        });
        reads.wait();
        s.cancel();
      });
      CHECK_FALSE(went_on);
    });
  }
}

TEST_CASE("a Retry-After of a far date is not waited for") {
  web site([](const asked&) { return answer(503, "", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"); });
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      client c(site.in(s));
      for (const std::chrono::nanoseconds timeout : {std::chrono::nanoseconds(30s), std::chrono::nanoseconds::max()})
        CHECK(c.fetch("http://a.test/", {.timeout = timeout}).attempts == 1);
      CHECK(site.seen().size() == 2);
    });
  });
}

TEST_CASE("Retry-After is a number of seconds or a date") {
  using std::chrono::system_clock;
  const auto now = system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
  const auto said = [&](const char* text) { return net::http::internal::retry_after(text, now); };
  CHECK(said("120") == 120s);
  CHECK(said(" 0 ") == 0s);
  CHECK(said("Sun, 06 Nov 1994 08:50:07 GMT") == 30s);
  CHECK(said("Sun, 06 Nov 1994 08:00:00 GMT") == 0s);
  CHECK(said("Fri, 31 Dec 9999 23:59:59 GMT") > 24h * 365 * 8000);  // more nanoseconds than there are
  for (const char* text :
       {"", "-1", "1.5", "soon", "99999999999999", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT"})
    CHECK_FALSE(said(text));
  for (int n = 1; n < 100; ++n) {
    const auto wait = net::http::internal::backoff(100ms, n);
    CHECK(wait >= 50ms);
    CHECK(wait <= 15s);
  }
  CHECK(net::http::internal::backoff(0ns, 50) == 0ns);
}
