// The server against clients that know nothing of weir: curl, openssl s_client, Python's http.client, wrk.
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/http/http_client.h"
#include "tests/net/tls/certificates.h"
#include "tests/testing.h"
#include "weir/net/http/server.h"
#include "weir/net/local.h"
#include "weir/net/process/capture.h"
#include "weir/net/tcp.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/scope.h"

using namespace weir;
using namespace weir::net::http;
using Catch::Contains;
using testing::certificates;
using testing::in_actor;
using testing::patient;

namespace {

router routes() {
  router r;
  r.on(method::get, "/hello",
       [](exchange& x) { x.respond(status::ok, "hello, " + query_value(x.request().query(), "n")); });
  r.on(method::post, "/upper", [](exchange& x) {
    x.begin({.headers = {{"Content-Type", "text/plain"}}});
    for (std::string piece(x.read_some()); !piece.empty(); piece = x.read_some()) {
      for (char& c : piece) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
      x.write(piece);
    }
  });
  return r;
}

std::string output_of(const std::string& program, std::vector<std::string> arguments, std::string input = {}) {
  const auto r = net::capture({.program = program, .arguments = std::move(arguments)}, {.input = std::move(input)});
  INFO(r.errors);
  CHECK(r.status.ok());
  return r.output;
}

// Runs `talk("127.0.0.1:PORT")` against a server, with TLS or without.
template <class Talk>
void with_server(bool tls, Talk talk) {
  server web(routes(), patient({.limits = {.body = 10'000'000}}));
  const net::tcp_listener listener("127.0.0.1:0");
  const net::tls_server certificate(certificates::get().server());
  with_scope([&](scope& s) {
    s.spawn("web", [&] {
      if (tls)
        web.serve(listener, [&](net::stream conn) { return net::start_tls(std::move(conn), certificate); });
      else
        web.serve(listener);
    });
    talk("127.0.0.1:" + std::to_string(listener.port()));
    web.drain();
  });
  CHECK(web.statistics().failed == 0);
  CHECK(web.statistics().not_begun == 0);
}

}  // namespace

TEST_CASE("curl gets, posts with a length and in chunks, waits for 100 Continue, over TCP and TLS") {
  in_actor([] {
    for (const bool tls : {false, true}) {
      with_server(tls, [&](const std::string& at) {
        const std::string url = (tls ? "https://" : "http://") + at, ca = certificates::get().path("ca.pem");
        const std::vector<std::string> usual = {"-sS", "-q", "--noproxy", "*", "--cacert", ca};
        const auto curl = [&](std::vector<std::string> more, std::string input = {}) {
          more.insert(more.begin(), usual.begin(), usual.end());
          return output_of("curl", std::move(more), std::move(input));
        };
        // One connection for both: curl says how many it made.
        CHECK(curl({url + "/hello?n=a", url + "/hello?n=b", "-w", " %{num_connects}\n"}) == "hello, a 1\nhello, b 0\n");
        CHECK_THAT(curl({"-I", url + "/hello?n=abc"}), Contains("200 OK") && Contains("Content-Length: 10"));
        CHECK_THAT(curl({"-i", "-X", "DELETE", url + "/hello"}), Contains("405") && Contains("Allow: GET, HEAD"));
        const std::string much(2'000'000, 'm');
        CHECK(curl({"--data-binary", "@-", url + "/upper"}, much) == std::string(much.size(), 'M'));
        CHECK(curl({"--data-binary", "@-", "-H", "Expect: 100-continue", url + "/upper"}, much).size() == much.size());
        CHECK(curl({"-T", "-", "-X", "POST", url + "/upper"}, much) == std::string(much.size(), 'M'));
        CHECK(curl({"-0", url + "/hello?n=old"}) == "hello, old");
        CHECK(curl({"-w", "%{http_code}", "-o", "/dev/null", "--data-binary", "@-", "-H", "Expect:", url + "/upper"},
                   std::string(10'000'001, 'x')) == "413");
      });
    }
  });
}

TEST_CASE("curl speaks over a Unix socket") {
  in_actor([] {
    server web(routes(), patient());
    const testing::scratch folder;
    const std::string path = folder / "s";
    if (path.size() > 100) return;  // the kernel's limit is 107
    const net::local_listener listener(path);
    with_scope([&](scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      CHECK(output_of("curl", {"-sS", "-q", "--unix-socket", path, "http://any/hello?n=unix"}) == "hello, unix");
      web.drain();
    });
  });
}

TEST_CASE("openssl s_client sends a request and reads the answer to its end") {
  in_actor([] {
    with_server(true, [](const std::string& at) {
      const std::string got = output_of("openssl",
                                        {"s_client", "-quiet", "-verify_quiet", "-ign_eof", "-connect", at, "-CAfile",
                                         certificates::get().path("ca.pem"), "-verify_return_error"},
                                        "GET /hello?n=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      CHECK_THAT(got, Contains("HTTP/1.1 200 OK\r\n") && Contains("Connection: close") && Catch::EndsWith("hello, x"));
    });
  });
}

TEST_CASE("Python's http.client sends one request after the other, in chunks too") {
  in_actor([] {
    with_server(false, [](const std::string& at) {
      const std::string script = R"(
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1], timeout=600)
for i in range(3):
    c.request('GET', f'/hello?n={i}')
    print(c.getresponse().read().decode())
c.request('POST', '/upper', body=iter([b'some', b' ', b'pieces']), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
r = c.getresponse()
print(r.read().decode(), r.getheader('transfer-encoding'))
c.request('HEAD', '/hello')
r = c.getresponse()
print(r.status, r.read(), r.getheader('content-length'))
c.request('GET', '/nowhere')
print(c.getresponse().status)
)";
      CHECK(output_of("/usr/bin/python3", {"-c", script, at}) ==
            "hello, 0\nhello, 1\nhello, 2\nSOME PIECES chunked\n200 b'' 7\n404\n");
    });
  });
}

TEST_CASE("wrk gets nothing but whole answers over a hundred connections, while it may ask as fast as it can") {
  in_actor([] {
    with_server(false, [](const std::string& at) {
      std::string said;
      do {
        said = output_of("wrk", {"-t1", "-c100", "-d1s", "--timeout", "600s", "http://" + at + "/hello?n=wrk"});
        INFO(said);
        CHECK_THAT(said, Contains(" requests in ") && Contains("Requests/sec:"));
        CHECK_THAT(said, !Contains("Non-2xx") && !Contains("Socket errors"));
      } while (said.find("  0 requests in ") != std::string::npos);  // the machine had something else to do
    });
  });
}
