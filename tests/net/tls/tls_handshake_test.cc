// Who is believed, what is agreed on, and how a handshake that fails says why.
#include <stdlib.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/tls/certificates.h"
#include "tests/net/tls/tls_pair.h"
#include "tests/testing.h"
#include "weir/net/memory_stream.h"
#include "weir/net/tls/tls_error.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/base/errors.h"

using namespace std::chrono_literals;
using namespace weir;
using Catch::Contains;
using net::io_status;
using net::memory_pair;
using net::tls_client;
using net::tls_client_options;
using net::tls_clients;
using net::tls_errc;
using net::tls_server;
using net::tls_version;
using testing::certificates;
using testing::in_actor;
using testing::shake;

namespace {

testing::tls_ends shake_in_memory(const tls_client_options& client, const net::tls_server_options& server,
                                  const std::string& host = "good.test") {
  auto [a, b, up, down] = memory_pair();
  return shake(std::move(a), std::move(b), tls_client(client), tls_server(server), host);
}

tls_errc kind_of(const testing::tls_end& e) {
  REQUIRE(e.failure);
  INFO(e.failure->what());
  REQUIRE(e.failure->code().category() == net::tls_category());
  return static_cast<tls_errc>(e.failure->code().value());
}

}  // namespace

TEST_CASE("a client and a server agree and say on what") {
  const certificates& all = certificates::get();
  in_actor([&] {
    for (const auto newest : {tls_version::v1_2, tls_version::v1_3}) {
      auto options = all.client();
      options.newest = newest;
      const auto [client, server] = shake_in_memory(options, all.server());
      REQUIRE(client.what() == "");
      REQUIRE(server.what() == "");
      for (const auto* s : {&client.stream, &server.stream}) {
        CHECK(s->agreed().version == (newest == tls_version::v1_2 ? "TLSv1.2" : "TLSv1.3"));
        CHECK_FALSE(s->agreed().cipher.empty());
        CHECK(s->agreed().alpn.empty());
        CHECK(s->agreed().host == "good.test");
        CHECK_FALSE(s->agreed().resumed);
        CHECK(s->why().empty());
      }
      const auto whose = client.stream.peer();
      REQUIRE(whose);
      CHECK(whose->subject == "CN=good");
      CHECK(whose->issuer == "CN=ca,O=weir tests");
      CHECK(whose->names == std::vector<std::string>{"good.test", "*.wild.test", "127.0.0.1"});
      CHECK(whose->pem == testing::content_of(all.path("good.pem")));
      CHECK_FALSE(server.stream.peer());
      CHECK(client.stream.write_all("to the server"));
      CHECK(testing::some(server.stream) == "to the server");
      CHECK(server.stream.write_all("to the client"));
      CHECK(testing::some(client.stream) == "to the client");
      CHECK_THAT(client.stream.name(),
                 Catch::StartsWith("tls+memory tls_handshake_test.cc:") && Catch::EndsWith("a to b (good.test)"));
      CHECK_THAT(server.stream.name(), Catch::EndsWith("b to a"));
    }
  });
}

TEST_CASE("a certificate that must not be believed is refused in words with a remedy and the server is told") {
  const certificates& all = certificates::get();
  struct {
    const char *who, *host, *words, *remedy, *server_hears;
  } const cases[] = {
      {"expired", "good.test", "the server's certificate CN=expired has expired: it was valid until ", "Renew it",
       "this side's certificate has expired"},
      {"self", "good.test", "the server's certificate CN=self is self-signed", "tls_client_options::ca",
       "it does not know the CA of this side's certificate"},
      {"other", "good.test", "the server's certificate CN=other is for other.test, not for good.test", "by a name",
       "it does not accept this side's certificate"},
      {"stranger", "good.test", "was signed by CN=unknown,O=weir tests, which is unknown", "tls_client_options::ca",
       "it does not know the CA of this side's certificate"},
      {"deep_alone", "good.test", "was signed by CN=between, which is unknown", "the certificates in between",
       "it does not know the CA of this side's certificate"},
      {"client", "good.test", "not meant for a server", "", "it does not accept this side's certificate"},
      {"good", "127.0.0.2", "is for good.test, *.wild.test, 127.0.0.1, not for 127.0.0.2", "by a name",
       "it does not accept this side's certificate"},
      {"good", "a.b.wild.test", "not for a.b.wild.test", "by a name", "it does not accept this side's certificate"},
      {"cn.test", "cn.test", "is for no host at all", "by a name", "it does not accept this side's certificate"},
      {"odd", "good.test", "CN=odd is for \\x1b[31mred.test, odd1.test, ", "odd7.test and 13 more, not for good.test",
       "it does not accept this side's certificate"},
  };
  in_actor([&] {
    for (const auto& c : cases) {
      const auto [client, server] = shake_in_memory(all.client(), all.server(c.who), c.host);
      CHECK(kind_of(client) == tls_errc::untrusted);
      CHECK_THAT(client.what(), Catch::StartsWith("handshake tls+memory tls_handshake_test.cc:") && Contains(c.words) &&
                                    Contains(c.remedy) && Contains(std::string(" (") + c.host + ")"));
      CHECK(kind_of(server) == tls_errc::refused);
      CHECK_THAT(server.what(), Contains("refused by the peer: ") && Contains(c.server_hears));
    }
  });
}

TEST_CASE("a host is believed by a name, a wildcard, an address or a CA in between") {
  const certificates& all = certificates::get();
  in_actor([&] {
    for (const auto& [who, host] : std::vector<std::pair<std::string, std::string>>{{"good", "good.test"},
                                                                                    {"good", "GOOD.test"},
                                                                                    {"good", "good.test."},
                                                                                    {"good", "any.wild.test"},
                                                                                    {"good", "127.0.0.1"},
                                                                                    {"deep", "good.test"}}) {
      const auto [client, server] = shake_in_memory(all.client(), all.server(who), host);
      INFO(who << " " << host);
      CHECK(client.what() == "");
      CHECK(server.what() == "");
      // A name is told to the server, an address is not (RFC 6066, section 3).
      const std::string told = host == "127.0.0.1" ? "" : host == "good.test." ? "good.test" : host;
      CHECK(server.stream.agreed().host == told);
    }
    // A self-signed one that was given as a CA.
    CHECK(shake_in_memory({.ca = {all.certificate("self")}}, all.server("self")).client.what() == "");
  });
}

TEST_CASE("a host that names none is misuse") {
  const certificates& all = certificates::get();
  in_actor([&] {
    auto careless = all.client();
    careless.verify = false;
    const auto start = [](const tls_client_options& options, std::string_view host) {
      auto [a, b, up, down] = memory_pair();
      (void)net::start_tls(std::move(a), tls_client(options), host, -1s);
    };
    for (const std::string& host :
         {std::string("."), std::string(".test"), std::string(".."), std::string("good..test"),
          std::string("good.test\0.bad", 14), std::string("\0", 1), std::string(254, 'x')}) {
      INFO(host);
      CHECK_THROWS_AS(start(all.client(), host), misuse);
      CHECK_THROWS_AS(start(careless, host), misuse);
    }
    CHECK_THROWS_AS(start(all.client(), ""), misuse);
    CHECK_THROWS_WITH(start(all.client(), ".test"), Contains("no NUL") && Contains(".test"));
    CHECK_THROWS_AS(start(careless, ""), net::error);  // the deadline: nothing is wrong with the call
  });
}

TEST_CASE("without CAs of its own a client trusts whom the system trusts") {
  const certificates& all = certificates::get();
  const auto with_system = [&](const std::string& file) {
    setenv("SSL_CERT_FILE", all.path(file).c_str(), 1);
    setenv("SSL_CERT_DIR", "/nonexistent", 1);
    std::string said;
    in_actor([&] { said = shake_in_memory({}, all.server()).client.what(); });
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    return said;
  };
  CHECK(with_system("ca.pem") == "");
  CHECK_THAT(with_system("unknown.pem"), Contains("which is unknown"));
}

TEST_CASE("a client that does not verify takes anybody and has to say so") {
  const certificates& all = certificates::get();
  in_actor([&] {
    const auto ends = shake_in_memory({.verify = false}, all.server("expired"), "");
    CHECK(ends.client.what() == "");
    CHECK(ends.client.stream.peer()->subject == "CN=expired");
    auto [a, b, up, down] = memory_pair();
    CHECK_THROWS_WITH(net::start_tls(std::move(a), tls_client(all.client()), ""),
                      Contains("start_tls: a client says which host it wants"));
  });
}

TEST_CASE("both sides agree on a protocol by the server's preference or do not connect") {
  const certificates& all = certificates::get();
  in_actor([&] {
    auto client = all.client();
    auto server = all.server();
    const auto agreed = [&] {
      const auto ends = shake_in_memory(client, server);
      REQUIRE(ends.client.what() == "");
      CHECK(ends.client.stream.agreed().alpn == ends.server.stream.agreed().alpn);
      return ends.client.stream.agreed().alpn;
    };
    client.alpn = {"http/1.1", "h2"};
    CHECK(agreed() == "");  // the server has no opinion
    server.alpn = {"h2", "http/1.1"};
    CHECK(agreed() == "h2");
    client.alpn = {};
    CHECK(agreed() == "");
    client.alpn = {"smtp"};
    const auto ends = shake_in_memory(client, server);
    CHECK(kind_of(ends.client) == tls_errc::refused);
    CHECK_THAT(ends.client.what(), Contains("it speaks none of the protocols offered (ALPN)"));
    CHECK(kind_of(ends.server) == tls_errc::no_agreement);
    CHECK_THAT(ends.server.what(), Contains("the client offers no protocol (ALPN) that this server speaks"));
  });
}

TEST_CASE("without a version in common both sides say so") {
  const certificates& all = certificates::get();
  in_actor([&] {
    auto client = all.client();
    auto server = all.server();
    client.newest = tls_version::v1_2;
    server.oldest = tls_version::v1_3;
    const auto ends = shake_in_memory(client, server);
    CHECK(kind_of(ends.client) == tls_errc::refused);
    CHECK_THAT(ends.client.what(), Contains("it speaks none of the versions offered"));
    CHECK(kind_of(ends.server) == tls_errc::no_agreement);
    CHECK_THAT(ends.server.what(), Contains("no version of TLS that both sides speak"));
  });
}

TEST_CASE("a server that wants certificates gets them from clients it knows and refuses the others in words") {
  const certificates& all = certificates::get();
  in_actor([&] {
    auto server = all.server();
    server.client_ca = {all.ca()};
    for (const auto newest : {tls_version::v1_2, tls_version::v1_3}) {
      server.newest = newest;
      server.clients = tls_clients::known;
      auto ends = shake_in_memory(all.client("client"), server);
      REQUIRE(ends.server.what() == "");
      CHECK(ends.server.stream.peer()->subject == "CN=client");

      const auto refused = [&](const tls_client_options& client, const char* server_says, const char* client_hears) {
        ends = shake_in_memory(client, server);
        CHECK(kind_of(ends.server) == tls_errc::untrusted);
        CHECK_THAT(ends.server.what(), Contains(server_says));
        if (newest == tls_version::v1_2) {
          CHECK(kind_of(ends.client) == tls_errc::refused);
          CHECK_THAT(ends.client.what(), Contains(client_hears));
        } else {
          // A client of TLS 1.3 is done before the server has seen its certificate.
          REQUIRE(ends.client.what() == "");
          char c[1];
          const auto r = ends.client.stream.read_some(c);
          CHECK(r.status == io_status::reset);
          CHECK(r.code == EPROTO);
          CHECK_THAT(ends.client.stream.why(), Contains(client_hears));
          CHECK_THROWS_WITH(ends.client.stream.expect("read greeting", r),
                            Catch::StartsWith("read greeting tls+memory ") && Contains(client_hears));
          CHECK(ends.client.stream.write_all("x").status == io_status::reset);
        }
      };
      refused(all.client(), "the client has sent no certificate",
              newest == tls_version::v1_2 ? "or wants a certificate" : "it wants a certificate of this side");
      refused(all.client("stranger"), "was signed by CN=unknown,O=weir tests, which is unknown",
              "it does not know the CA");
      server.clients = tls_clients::either;
      ends = shake_in_memory(all.client(), server);
      CHECK(ends.server.what() == "");
      CHECK_FALSE(ends.server.stream.peer());
      CHECK(kind_of(shake_in_memory(all.client("stranger"), server).server) == tls_errc::untrusted);
    }
  });
}

TEST_CASE("a later connection resumes the session of an earlier one with the same server and no other") {
  const certificates& all = certificates::get();
  in_actor([&] {
    for (const auto newest : {tls_version::v1_2, tls_version::v1_3}) {
      auto options = all.client();
      options.newest = newest;
      const tls_client client(options);
      const tls_server server(all.server());
      const auto connect = [&](const tls_client& from, const tls_server& to, const std::string& host) {
        auto [a, b, up, down] = memory_pair();  // on one line: its name is the server's
        auto ends = shake(std::move(a), std::move(b), from, to, host);
        REQUIRE(ends.client.what() == "");
        CHECK(ends.server.stream.agreed().resumed == ends.client.stream.agreed().resumed);
        CHECK(ends.client.stream.peer()->subject == "CN=good");
        // Sessions of TLS 1.3 come with the server's first bytes.
        CHECK(ends.server.stream.write_all("x"));
        CHECK(testing::some(ends.client.stream) == "x");
        return ends.client.stream.agreed().resumed;
      };
      CHECK_FALSE(connect(client, server, "good.test"));
      CHECK(connect(client, server, "good.test"));
      CHECK(connect(client, server, "good.test"));
      CHECK_FALSE(connect(client, server, "any.wild.test"));
      CHECK(connect(client, server, "any.wild.test"));
      CHECK_FALSE(connect(tls_client(options), server, "good.test"));
      // Another server cannot read its tickets.
      CHECK_FALSE(connect(client, tls_server(all.server()), "good.test"));

      options.sessions = 0;
      const tls_client forgetful(options);
      CHECK_FALSE(connect(forgetful, server, "good.test"));
      CHECK_FALSE(connect(forgetful, server, "good.test"));
      auto unwilling = all.server();
      unwilling.resume = false;
      const tls_client fresh(all.client());
      const tls_server no_tickets(unwilling);
      CHECK_FALSE(connect(fresh, no_tickets, "good.test"));
      CHECK_FALSE(connect(fresh, no_tickets, "good.test"));
    }
  });
}

TEST_CASE("TLS starts on a stream that has been read from and loses no byte") {
  const certificates& all = certificates::get();
  in_actor([&] {
    auto [a, b, up, down] = memory_pair();
    const tls_client client(all.client());
    const tls_server server(all.server());
    net::stream plain = b.share();
    with_scope([&, &a = a, &b = b, &up = up](scope& s) {
      s.spawn("client", [&] {
        std::string line;
        EXPECT(a.read_until(line, "\r\n"));
        EXPECT(line == "220 ready\r\n");
        EXPECT(a.write_all("STARTTLS\r\n"));
        const auto tls = net::start_tls(std::move(a), client, "good.test");
        EXPECT(tls.write_all("first words"));
        EXPECT(testing::some(tls) == "and the answer");
      });
      s.spawn("server", [&] {
        EXPECT(b.write_all("220 ready\r\n"));
        // The whole of the client's hello is there when the line is read, and comes with it.
        testing::eventually([&] { return up.under_way() > 100; });
        std::string line;
        EXPECT(b.read_until(line, "\r\n"));
        EXPECT(line == "STARTTLS\r\n");
        EXPECT(up.under_way() == 0);
        const auto tls = net::start_tls(std::move(b), server);
        char text[11];
        EXPECT(tls.read_exactly(text));
        EXPECT(std::string(text, 11) == "first words");
        EXPECT(tls.write_all("and the answer"));
        // The stream below is no longer anybody else's.
        char c[1];
        try {
          (void)plain.read_some(c);
          EXPECT(false);
        } catch (const misuse&) {
        }
      });
    });
    // Until TLS has ended, and the stream with it.
    char c[1];
    CHECK(plain.read_some(c).status == io_status::closed);
  });
}

TEST_CASE("a stream that is being read cannot start TLS") {
  const certificates& all = certificates::get();
  in_actor([&] {
    auto [a, b, up, down] = memory_pair();
    const tls_server server(all.server());
    net::stream second = a.share();
    with_scope([&, &a = a, &b = b](scope& s) {
      s.spawn("reader", [&] { EXPECT(testing::some(second).empty()); });
      // As soon as the reader has begun; if it comes first, TLS has the stream, and the reader is the one who is told.
      testing::eventually([&] { return second.core("", {}).reading.busy.load(); });
      CHECK_THROWS_WITH(net::start_tls(std::move(a), server),
                        Contains("start_tls: nobody uses the stream") && Contains("a reader of memory"));
      b.close();
    });
  });
}

TEST_CASE("a peer that does not speak TLS is found out") {
  const certificates& all = certificates::get();
  in_actor([&] {
    const tls_client client(all.client());
    const tls_server server(all.server());
    const auto said = [](auto start) -> std::string {
      try {
        (void)start();
      } catch (const net::tls_error& e) {
        CHECK(e.kind() == tls_errc::not_tls);
        return e.what();
      }
      return {};
    };
    for (const char* text :
         {"220 mail.test ESMTP ready\r\n", "HTTP/1.0 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
      auto [a, b, up, down] = memory_pair();
      CHECK(b.write_all(text));
      CHECK_THAT(said([&, &a = a] { return net::start_tls(std::move(a), client, "good.test"); }),
                 Contains("the server does not speak TLS at this endpoint"));
    }
    for (const char* text : {"GET / HTTP/1.0\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\n\r\n", "EHLO good.test\r\n"}) {
      auto [a, b, up, down] = memory_pair();
      CHECK(a.write_all(text));
      CHECK_THAT(said([&, &b = b] { return net::start_tls(std::move(b), server); }),
                 Contains("the client does not speak TLS"));
    }
  });
}

TEST_CASE("a certificate a key or a CA that cannot be used is refused when it is loaded") {
  const certificates& all = certificates::get();
  const auto refused = [&](net::pem certificate, net::pem key) -> std::string {
    try {
      const tls_server made({.certificate = std::move(certificate), .key = std::move(key)});
    } catch (const net::tls_error& e) {
      CHECK(e.kind() == tls_errc::unusable);
      return e.what();
    }
    return {};
  };
  in_actor([&] {
    CHECK_THAT(refused(all.certificate("good"), all.key("other")),
               Catch::StartsWith("load " + all.path("other.key") + ": it is not the key of the certificate in " +
                                 all.path("good.pem")));
    CHECK_THAT(refused(all.certificate("good"), all.key("locked")),
               Contains("no private key without a passphrase in it"));
    CHECK_THAT(refused(all.key("good"), all.key("good")), Contains("no certificate in it"));
    CHECK_THAT(
        refused(net::pem::text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), all.key("good")),
        Catch::StartsWith("load text: certificate 1 cannot be read: "));
    CHECK_THAT(refused(all.certificate("weak"), all.key("weak")), Contains("too small"));
    CHECK_THROWS_WITH(tls_client({.ca = {net::pem::file("/nonexistent/ca")}}),
                      "load /nonexistent/ca: no such file or directory (ENOENT)");
    const std::string key = testing::content_of(all.path("good.key"));
    for (const std::string& path : {key, std::string("-----BEGIN PRIVATE KEY-----"), std::string("two\nlines")}) {
      try {
        const tls_server made({.certificate = all.certificate("good"), .key = net::pem::file(path)});
        CHECK(false);
      } catch (const net::error& e) {
        CHECK_THAT(e.what(), Catch::StartsWith("load a text given as a path (use pem::text): "));
        CHECK_THAT(e.what(), !Contains(path));
      }
    }
    const auto text = net::pem::text(testing::content_of(all.path("ca.pem")));
    CHECK_NOTHROW(tls_client({.ca = {text}}));
    CHECK_THROWS_AS(tls_server({}), misuse);
    CHECK_THROWS_AS(tls_client({.key = all.key("good")}), misuse);
    CHECK_THROWS_AS(tls_client({.alpn = {""}}), misuse);
    auto asking = all.server();
    asking.clients = tls_clients::known;
    CHECK_THROWS_WITH(tls_server(asking), Contains("a server that asks for certificates says whose"));
  });
}
