#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "tests/net/tls/certificates.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/http/client.h"
#include "weir/net/http/error.h"
#include "weir/net/http/url.h"
#include "weir/net/memory_stream.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/scope.h"

using namespace weir;
using net::http::client;
using testing::certificates;

namespace {

// Answers every request of one connection, which it takes to be less than its buffer, by `text`. With `torn` the
// connection then breaks as TLS does not allow.
void serve(net::stream below, const net::tls_server& tls, const std::string& text, bool torn) {
  net::tls_stream s;
  try {
    s = net::start_tls(below.share(), tls);
  } catch (const net::error&) {
    return;  // the client does not believe the certificate
  }
  std::string line;
  while (s.read_until(line, "\r\n\r\n")) {
    EXPECT(s.write_all(text));
    if (torn) return below.close();
  }
}

struct result {
  std::string body, kind, what;
};

// What a client that trusts the test's CA makes of `url`, of a server with the certificate of `who`.
result ask(const std::string& url, const std::string& who, const std::string& text, bool torn = false, int times = 1) {
  const net::tls_server tls(certificates::get().server(who));
  result made;
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o{.tls = net::tls_client(certificates::get().client())};
      o.dial = [&](const net::http::url&, deadline) {
        auto ends = net::memory_pair();
        s.spawn("server", [&, b = std::move(ends.b)]() mutable { serve(std::move(b), tls, text, torn); });
        return std::move(ends.a);
      };
      client c(o);
      try {
        for (int i = 0; i < times; ++i) made.body = c.fetch(url, {.retries = 0}).body;
      } catch (const net::http::error& e) {
        made.kind = name_of(e.kind()), made.what = e.what();
      }
      CHECK(c.stats().connected <= 1);
    });
  });
  return made;
}

const char* const sized = "HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nabcde";

}  // namespace

TEST_CASE("https is spoken with a host whose certificate is of the CA that was given, over one connection") {
  for (const char* url : {"https://good.test/", "https://GOOD.test./x", "https://a.wild.test/", "https://127.0.0.1/"}) {
    INFO(url);
    const result r = ask(url, "good", sized, false, 3);
    CHECK(r.what == "");
    CHECK(r.body == "abcde");
  }
}

TEST_CASE("a host that is not to be believed gets no request, and the error says why and what to do") {
  struct sample {
    const char* url;
    const char* who;
    const char* says;
  };
  for (const sample& x :
       {sample{"https://good.test/", "expired", "expired"}, sample{"https://good.test/", "self", "self"},
        sample{"https://good.test/", "other", "good.test"}, sample{"https://other.test/", "good", "other.test"},
        sample{"https://127.0.0.1/", "other", "127.0.0.1"}, sample{"https://good.test/", "stranger", "CA"}}) {
    INFO(x.url << " " << x.who);
    const result r = ask(x.url, x.who, sized);
    CHECK(r.kind == "tls");
    INFO(r.what);
    CHECK(r.what.find(x.says) != r.what.npos);
    CHECK(r.what.find("(shaking hands)") != r.what.npos);
  }
}

TEST_CASE("with TLS a body without a length is whole only if the server says so") {
  const char* const endless = "HTTP/1.1 200 x\r\n\r\nabcde";
  CHECK(ask("https://good.test/", "good", endless, true).kind == "truncated");
  CHECK(ask("https://good.test/", "good", sized, true).body == "abcde");
}

TEST_CASE("a redirect from https to http is followed only if the caller says so") {
  const net::tls_server tls(certificates::get().server("good"));
  const char* const moved = "HTTP/1.1 302 x\r\nLocation: http://good.test/y\r\nContent-Length: 0\r\n\r\n";
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o{.tls = net::tls_client(certificates::get().client())};
      o.dial = [&](const net::http::url& to, deadline) {
        auto ends = net::memory_pair();
        s.spawn("server", [&, b = std::move(ends.b), secret = to.is_https()]() mutable {
          if (secret) return serve(std::move(b), tls, moved, false);
          std::string line;
          while (b.read_until(line, "\r\n\r\n")) EXPECT(b.write_all(sized));
        });
        return std::move(ends.a);
      };
      client c(o);
      CHECK(c.fetch("https://good.test/", {.https_to_http = true}).url == "http://good.test/y");
      std::string kind, what;
      try {
        c.fetch("https://good.test/");
      } catch (const net::http::error& e) {
        kind = name_of(e.kind()), what = e.what();
      }
      CHECK(kind == "redirect");
      CHECK(what.find("redirected from https to http://good.test/y (") != what.npos);
      CHECK(c.fetch("https://good.test/", {.redirects = 0}).headers.contains("Location"));
      CHECK(c.stats().connected == 2);
    });
  });
}

TEST_CASE("a server that speaks no TLS is found out") {
  result made;
  testing::in_actor([&] {
    with_scope([&](scope& s) {
      net::http::client_options o{.tls = net::tls_client(certificates::get().client())};
      o.dial = [&](const net::http::url&, deadline) {
        auto ends = net::memory_pair();
        s.spawn("server", [b = std::move(ends.b)] {
          std::string hello(4096, '\0');
          EXPECT(b.read_some(hello));
          EXPECT(b.write_all("HTTP/1.1 400 x\r\n\r\n"));
          while (b.read_some(hello)) {
          }
        });
        return std::move(ends.a);
      };
      client c(o);
      try {
        c.fetch("https://good.test/");
      } catch (const net::http::error& e) {
        made.kind = name_of(e.kind());
      }
    });
  });
  CHECK(made.kind == "tls");
}
