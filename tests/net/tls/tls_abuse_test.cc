// Peers that do what TLS allows and no library does by itself: messages of TLS in pieces, floods of them, and what they
// leave unread. The peer is an engine in the hands of the test.
#include <openssl/ssl.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/bytes.h"
#include "tests/net/tls/certificates.h"
#include "tests/net/tls/tls_pair.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/internal/stream_core.h"
#include "weir/net/memory_stream.h"
#include "weir/net/on_stream.h"
#include "weir/net/tcp.h"
#include "weir/net/tls/internal/context.h"
#include "weir/net/tls/internal/engine.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using Catch::Contains;
using net::io_status;
using net::memory_pair;
using net::internal::engine;
using net::internal::tls_context;
using testing::certificates;
using testing::in_actor;

namespace {

// One side of a connection by hand: what it makes is sent when the test says so.
class peer {
 public:
  peer(tls_context& of, net::stream over, const std::string& host) : made(of, host, ""), over_(std::move(over)) {}

  // The rest of what the last step has made is in made.output.
  void shake_hands() {
    while (made.handshake() == engine::step::starved) {
      send();
      take();
    }
  }
  void send() {
    EXPECT(over_.write_all(made.output));
    made.output.clear();
  }
  // The first record of what it has made.
  void send_a_record() {
    REQUIRE(made.output.size() > 5);
    const std::size_t size =
        5 + (static_cast<std::size_t>(made.output[3]) << 8 | static_cast<std::size_t>(made.output[4]));
    REQUIRE(size < made.output.size());
    EXPECT(over_.write_all(std::span(made.output).first(size)));
    made.output.erase(made.output.begin(), made.output.begin() + static_cast<std::ptrdiff_t>(size));
  }
  // One text of the other side's; empty: none will come.
  std::string text() {
    char c[100];
    std::size_t got = 0;
    for (;;) {
      const auto s = made.read(c, sizeof c, got);
      if (s == engine::step::done) return {c, got};
      if (s != engine::step::starved || !take()) return {};
    }
  }

  engine made;

 private:
  bool take() {
    const iovec room = made.room();
    const auto r = over_.read_some({room.iov_base, room.iov_len});
    made.arrived(r.bytes);
    return r.status == io_status::ok;
  }

  net::stream over_;
};

// A server whose tickets take more than one record.
struct ticket_server {
  ticket_server() : context(certificates::get().server()) {
    SSL_CTX_set_max_send_fragment(context.ctx.get(), 512);
    const auto more = [](SSL* ssl, void*) -> int {
      const std::string text(2000, 't');
      return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), text.data(), text.size());
    };
    SSL_CTX_set_session_ticket_cb(context.ctx.get(), more, nullptr, nullptr);
  }
  tls_context context;
};

// A client of ours that has read the first record of a ticket.
struct half_a_ticket {
  explicit half_a_ticket(ticket_server& of) {
    auto [a, b, up, down] = memory_pair();
    server = std::make_unique<peer>(of.context, std::move(b), "");
    with_scope([&, &a = a](scope& s) {
      s.spawn("server", [&] { server->shake_hands(); });
      client = net::start_tls(std::move(a), net::tls_client(certificates::get().client()), "good.test");
    });
    server->send_a_record();
    char c[1];
    CHECK(client.read_some(c, 1ms).status == io_status::timeout);
  }
  std::unique_ptr<peer> server;
  net::tls_stream client;
};

}  // namespace

TEST_CASE("a write that meets a ticket in pieces waits for the reader to have the rest") {
  certificates::get();
  in_actor([] {
    ticket_server tickets;
    {
      const half_a_ticket h(tickets);
      const auto r = h.client.write_all("hello", 1ms);
      CHECK(r.status == io_status::timeout);
      CHECK(r.bytes == 0);
      CHECK(h.client.shutdown(1ms).status == io_status::timeout);
      CHECK_FALSE(within(1ms, [&] { (void)h.client.write_all("hello"); }));
      CHECK(h.client.bytes_written() == 0);
      std::atomic<bool> written{false};
      with_scope([&](scope& s) {
        s.spawn("reader", [&] { EXPECT(testing::some(h.client) == "hello yourself"); });
        s.spawn("writer", [&] {
          EXPECT(h.client.write_all("hello"));
          written = true;
          EXPECT(h.client.shutdown());
        });
        h.server->send_a_record();  // not the last of the ticket
        CHECK_FALSE(written);
        std::size_t took = 0;
        const iovec answer{const_cast<char*>("hello yourself"), 14};
        CHECK(h.server->made.write(&answer, 1, took) == engine::step::done);
        h.server->send();
      });
      CHECK(h.server->text() == "hello");
      CHECK(h.server->text().empty());
    }
    // What ends the wait besides: a close, and that there will be no rest.
    {
      const half_a_ticket h(tickets);
      with_scope([&](scope& s) {
        s.spawn("writer", [&] { EXPECT(h.client.write_all("hello").status == io_status::closed); });
        s.spawn("closes", [&] {
          testing::eventually([&] { return h.client.core("", {}).writing.busy.load(); });
          h.client.close();
        });
      });
    }
    half_a_ticket h(tickets);
    with_scope([&](scope& s) {
      s.spawn("writer", [&] { EXPECT(h.client.write_all("hello").status == io_status::reset); });
      s.spawn("reader", [&] {
        char c[1];
        EXPECT(h.client.read_some(c).status == io_status::reset);
      });
      testing::eventually([&] { return h.client.core("", {}).writing.busy.load(); });
      h.server.reset();
    });
    CHECK_THAT(h.client.why(), Catch::StartsWith("truncated: "));
  });
}

TEST_CASE("more than 32 changes of keys without text break the connection") {
  certificates::get();
  in_actor([] {
    tls_context context(certificates::get().client());
    for (const bool selects : {false, true}) {
      auto [a, b, up, down] = memory_pair();
      peer client(context, std::move(a), "good.test");
      net::tls_stream server;
      with_scope([&, &b = b](scope& s) {
        s.spawn("client", [&] {
          client.shake_hands();
          client.send();
        });
        server = net::start_tls(std::move(b), net::tls_server(certificates::get().server()));
      });
      const auto change_keys = [&](int count) {
        for (int i = 0; i < count; ++i) {
          REQUIRE(SSL_key_update(&client.made.ssl(),
                                 i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
          REQUIRE(client.made.handshake() == engine::step::done);
        }
        client.send();
      };
      for (int i = 0; i < 5; ++i) {
        change_keys(32);
        const iovec text{const_cast<char*>("text"), 4};
        std::size_t took = 0;
        REQUIRE(client.made.write(&text, 1, took) == engine::step::done);
        client.send();
        CHECK(testing::some(server) == "text");
      }
      change_keys(1000);
      if (selects) CHECK(select(net::on_readable(server, [] { return true; })));
      char c[1];
      const auto r = server.read_some(c);
      CHECK(r.status == io_status::reset);
      CHECK(r.code == EPROTO);
      CHECK_THAT(server.why(), Contains("more than 32 messages of TLS itself (new keys, tickets) and no text"));
      CHECK(server.write_all("x").status == io_status::reset);
    }
  });
}

TEST_CASE("a record in the smallest pieces does not outlast a deadline or a cancel") {
  certificates::get();
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    auto ends = testing::shake(std::move(a), std::move(b), net::tls_client(certificates::get().client()),
                               net::tls_server(certificates::get().server()));
    REQUIRE(ends.client.what() + ends.server.what() == "");
    up.most_per_read(1);
    CHECK(ends.client.stream.write_all(std::string(200, 'x')));
    char c[1];
    CHECK(ends.server.stream.read_some(c, -1s).status == io_status::timeout);
    const std::size_t left = up.under_way();
    CHECK(left > 150);
    bool went_on = false;
    with_scope([&](scope& s) {
      s.spawn("reader", [&] {
        s.cancel();
        (void)ends.server.stream.read_some(c);
        went_on = true;
      });
    });
    CHECK_FALSE(went_on);
    CHECK(up.under_way() > 100);
    CHECK(testing::some(ends.server.stream) == std::string(200, 'x'));
  });
}

TEST_CASE("a close with a ticket unread loses nothing that was written") {
  certificates::get();
  in_actor([] {
    const net::tls_client client(certificates::get().client());
    const net::tls_server server(certificates::get().server());
    for (int i = 0; i < 3; ++i) {
      const net::tcp_listener listener("127.0.0.1:0");
      net::stream from = net::tcp_connect(listener.at(), 60s);
      const net::stream below = from.share();
      auto ends = testing::shake(std::move(from), *listener.accept(), client, server);
      REQUIRE(ends.client.what() + ends.server.what() == "");
      CHECK(ends.server.stream.write_all("never read"));  // its tickets go with it, in one piece
      testing::eventually([&] { return below.core("", {}).ready(weir::internal::direction::read); });
      const std::size_t total = 1'000'000;
      with_scope([&](scope& s) {
        s.spawn("writer", [&] {
          EXPECT(ends.client.stream.write_all(testing::bytes_of(1, 0, total)));
          ends.client.stream.close();
        });
        io_status how{};
        const std::string all = testing::rest_of(ends.server.stream, &how);
        CHECK(how == io_status::end);
        CHECK(all.size() == total);
      });
    }
  });
}

namespace {

// A stream that calls `before_write` before each write.
class hooked final : public net::internal::stream_core {
 public:
  explicit hooked(net::stream over) : over_(std::move(over)) {}

  net::io_result read(const iovec* into, int count, deadline limit) override {
    return below().read(into, count, limit);
  }
  net::io_result write(const iovec* from, int count, deadline limit) override {
    if (before_write) before_write();
    return below().write(from, count, limit);
  }
  net::io_result finish(deadline limit) override { return below().finish(limit); }
  std::string name() const override { return "hooked"; }
  bool ready(weir::internal::direction d) override { return below().ready(d); }
  weir::internal::enrolled enroll(weir::internal::direction d, weir::internal::wait_node& node) override {
    return below().enroll(d, node);
  }
  void withdraw(weir::internal::direction d, weir::internal::wait_node& node) noexcept override {
    below().withdraw(d, node);
  }

  std::function<void()> before_write;

 private:
  void close_now() noexcept override { below().close(); }
  stream_core& below() const { return over_.core("", {}); }

  net::stream over_;
};

}  // namespace

TEST_CASE("a close while a reader sends an answer says so to the peer all the same") {
  certificates::get();
  in_actor([] {
    tls_context context(certificates::get().client());
    auto [a, b, up, down] = memory_pair();
    peer client(context, std::move(a), "good.test");
    auto* const hook = new hooked(std::move(b));
    net::stream over(hook);
    net::tls_stream server;
    with_scope([&](scope& s) {
      s.spawn("client", [&] {
        client.shake_hands();
        client.send();
      });
      server = net::start_tls(std::move(over), net::tls_server(certificates::get().server()));
    });
    CHECK(server.write_all("text"));
    CHECK(client.text() == "text");
    for (int i = 0; i < 2; ++i) {  // OpenSSL answers the first when it meets the second
      REQUIRE(SSL_key_update(&client.made.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
      REQUIRE(client.made.handshake() == engine::step::done);
    }
    client.send();
    int writes = 0;
    hook->before_write = [&] {
      if (++writes == 1) server.close();  // in the middle of the reader's answer
    };
    char c[1];
    CHECK(server.read_some(c).status == io_status::closed);
    CHECK(writes == 2);
    hook->before_write = nullptr;
    std::size_t got = 0;
    CHECK(client.text().empty());
    CHECK(client.made.read(c, 1, got) == engine::step::end);
  });
}
