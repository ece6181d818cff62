#include "weir/net/socket/internal/connection.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/socket/raw_peer.h"
#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/local.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/push_pull.h"
#include "weir/net/stream.h"
#include "weir/net/zmtp/command.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::message;
using net::peer_event;
using net::peer_event_kind;
using net::pull_socket;
using net::push_socket;
using testing::await;
using testing::fresh_endpoints;
using testing::in_actor;
using testing::long_enough;
using testing::number_of;
using testing::numbered;
using testing::patient;
using testing::port_of;
using testing::shaken;

TEST_CASE("what is no ZMTP costs its connection, and silent ones do not keep a good one out") {
  in_actor([] {
    pull_socket in(patient({.unauthenticated = 2}));
    const auto events = in.events();
    const std::string at = in.bind("tcp://127.0.0.1:*");
    const std::uint16_t port = port_of(at);
    {
      const auto http = testing::raw_socket::connected(port);
      http.send_all("GET / HTTP/1.1\r\n\r\n");
      const peer_event e = await(events, peer_event_kind::handshake_failed);
      CHECK(e.reason.find("0x47") != e.reason.npos);
    }
    std::vector<testing::raw_socket> silent;
    for (int i = 0; i < 5; ++i) silent.push_back(testing::raw_socket::connected(port));
    testing::eventually([&] { return in.statistics().crowded_out == 3; });
    push_socket out(patient({.connect = at}));
    CHECK(out.send(message("good")));
    CHECK(in.recv()->front().text() == "good");
    CHECK(in.statistics().peers == 1);
  });
}

TEST_CASE("a handshake that takes too long is over, and so is one with a type that does not fit") {
  in_actor([] {
    pull_socket in({.handshake_time = 1ms});
    const auto events = in.events();
    const std::string at = in.bind("tcp://127.0.0.1:*");
    const auto silent = testing::raw_socket::connected(port_of(at));
    CHECK(await(events, peer_event_kind::handshake_failed).reason == "the handshake took too long");

    for (const std::string& where : {testing::fresh_ipc(), testing::fresh_inproc()}) {
      pull_socket one(patient()), other(patient());
      const auto here = one.events(), there = other.events();
      one.bind(where);
      other.connect(where);
      // Who sees it first ends the connection, and the other may see no more than that: then it is tried again.
      std::string reasons;
      while (reasons.find("PULL") == reasons.npos && reasons.find("NO EVENT") == reasons.npos)
        reasons = await(here, peer_event_kind::handshake_failed).reason + " / " +
                  await(there, peer_event_kind::handshake_failed).reason;
      INFO(reasons);
      CHECK(reasons.find("PULL") != reasons.npos);
    }
  });
}

TEST_CASE("a connection has left the room of those that shake hands before it is a peer") {
  in_actor([] {
    pull_socket in(patient());
    push_socket out(patient());
    auto [one, other] = net::local_pair();
    const net::stream here(std::move(one)), there(std::move(other));
    std::optional<std::uint64_t> connected;  // when it left
    with_scope([&](scope& s) {
      s.spawn([&] {
        net::internal::serve(in.core("serve", {}), here, nullptr, net::zmtp::role::server, "here", [&] {
          if (!connected) connected = in.statistics().connected;
        });
      });
      s.spawn([&] {
        net::internal::serve(out.core("serve", {}), there, nullptr, net::zmtp::role::client, "there", [] {});
      });
      CHECK(out.send(message("whole")));
      CHECK(in.recv()->text() == "whole");
      out.close();
      in.close();
    });
    CHECK(connected == std::uint64_t{0});
    CHECK(in.statistics().connected == 1);
  });
}

TEST_CASE("a silent peer is given up by its heartbeat, and PING gets its PONG") {
  in_actor([] {
    pull_socket in(patient({.heartbeat = {.interval = 1ms, .timeout = 1ms}}));
    const auto events = in.events();
    const std::uint16_t port = port_of(in.bind("tcp://127.0.0.1:*"));
    const auto silent = blocking([port] { return shaken(port); });
    CHECK(await(events, peer_event_kind::down).reason.find("Heartbeat") != std::string::npos);

    pull_socket answers(patient());
    const std::uint16_t there = port_of(answers.bind("tcp://127.0.0.1:*"));
    const std::string pong = blocking([there] {
      const testing::raw_socket s = shaken(there);
      std::string ping, answer;
      net::zmtp::write_command(ping, "PING", net::zmtp::ping_data(0, "context"));
      s.send_all(ping);
      for (char c; answer.size() < ping.size() - 2 && recv(s.fd(), &c, 1, 0) == 1;) answer += c;
      return answer;
    });
    std::string expected;
    net::zmtp::write_command(expected, "PONG", "context");
    CHECK(pong == expected);
  });
}

TEST_CASE("a message that is cut off goes with its connection, and the next ones come whole") {
  in_actor([] {
    pull_socket in(patient());
    const auto events = in.events();
    const std::string at = in.bind("tcp://127.0.0.1:*");
    blocking([port = port_of(at)] {
      testing::raw_socket s = shaken(port);
      s.send_all(std::string("\0\5whole\1\4half\0\6mess", 17));
      s.reset();
    });
    CHECK(await(events, peer_event_kind::down).reason.size() > 0);
    push_socket out(patient({.connect = at}));
    CHECK(out.send(message("next")));
    for (;;) {
      const auto m = in.recv();
      REQUIRE((m && m->size() == 1));
      if (m->front().text() == "next") break;
      CHECK(m->front().text() == "whole");  // if it was read before the reset
    }
  });
}

TEST_CASE("PLAIN: who has the wrong credentials does not come in") {
  in_actor([] {
    pull_socket in(patient({.authenticate = [](std::string_view username, std::string_view password) {
      return username == "me" && password == "secret";
    }}));
    const auto events = in.events();
    const std::string at = in.bind(testing::fresh_ipc());
    push_socket wrong(patient({.connect = at, .username = "me", .password = "guessed"}));
    CHECK(await(events, peer_event_kind::handshake_failed).reason.size() > 0);
    push_socket right(patient({.connect = at, .username = "me", .password = "secret"}));
    CHECK(right.send(message("in")));
    CHECK(in.recv()->front().text() == "in");
    CHECK(in.statistics().peers == 1);
    CHECK_THROWS_AS(push_socket({.username = std::string(300, 'x')}), misuse);
  });
}

TEST_CASE("what a peer has sent before it goes is read, also while this side writes to it") {
  in_actor([] {
    const int first = 11, count = 50;
    net::router_socket router(patient({.receive_high_water = 10, .mandatory = true}));
    const auto events = router.events();
    // A Unix socket: there what was sent has arrived.
    const std::string at = router.bind(testing::fresh_ipc());
    auto peer = blocking([at] { return shaken(testing::connected_to(at), net::zmtp::socket_type::dealer, "peer"); });
    CHECK(router.wait_peers(1));
    // The writer is busy with what nobody reads, and the reader waits for the program: the rest stays in the kernel.
    for (int i = 0; i < 100; ++i) CHECK(router.send(message::of("peer", std::string(100'000, 'x'))));
    const std::string text(1000, 'm'), header("\2\0\0\0\0\0\0\3\350", 9);
    std::string some, rest;
    for (int i = 0; i < count; ++i) (i < first ? some : rest) += header + text;
    peer.send_all(some);
    testing::eventually([&] { return router.statistics().unread == 10; });
    peer.send_all(rest);
    blocking([&] { testing::raw_socket gone(std::move(peer)); });
    // The writer has heard of it.
    testing::eventually([&] {
      try {
        message m = message::of("peer", "too late");
        static_cast<void>(router.try_send(std::move(m)));
        return false;
      } catch (const net::error&) {
        return true;
      }
    });
    int received = 0;
    for (; received < count; ++received) {
      const auto m = router.recv(long_enough);
      if (!m || m->back().text() != text) break;
    }
    CHECK(received == count);
    CHECK(await(events, peer_event_kind::down).identity == "peer");
    CHECK(router.statistics().lost > 0);
  });
}

TEST_CASE("peers that come, send and go leave no more than ten times the high water unread: then nobody is let in") {
  in_actor([] {
    const int each = 5, peers = 10;
    pull_socket in(patient({.bind = "tcp://127.0.0.1:*", .receive_high_water = each}));
    int sent = 0;
    for (int p = 0; p < peers; ++p) {
      push_socket out(patient({.connect = in.last_endpoint()}));
      for (int i = 0; i < each; ++i) CHECK(out.send(numbered(sent++)));
    }
    testing::eventually([&] { return in.statistics().peers == 0; });
    CHECK(in.statistics().unread == each * peers);
    {
      // Its handshake gets no answer: the kernel has accepted it, but nobody else.
      push_socket other({.connect = in.last_endpoint(), .linger = 0ns, .handshake_time = 50ms});
      testing::eventually([&] { return other.statistics().handshakes_failed > 0 || other.statistics().connected > 0; });
      CHECK(other.statistics().connected == 0);
    }
    CHECK(in.statistics().connected == peers);
    push_socket next(patient({.connect = in.last_endpoint()}));
    CHECK(next.send(numbered(sent)));
    std::vector<bool> seen(static_cast<std::size_t>(sent) + 1);
    for (int i = 0; i <= sent; ++i) {
      const auto m = in.recv(long_enough);
      REQUIRE(m);
      seen[static_cast<std::size_t>(number_of(*m))] = true;
    }
    CHECK(std::count(seen.begin(), seen.end(), true) == sent + 1);
  });
}

TEST_CASE("an endpoint connects again though the program has not read what the last peer sent") {
  in_actor([] {
    const int count = 300;
    const std::string at = testing::fresh_ipc();
    net::dealer_socket dealer(patient({.connect = at, .identity = "d", .receive_high_water = 1}));
    {
      net::router_socket first(patient({.bind = at}));
      CHECK(first.wait_peers(1));
      for (int i = 0; i < count; ++i) CHECK(first.send(message::of("d", std::to_string(i))));
      testing::eventually([&] { return first.statistics().unsent == 0 && dealer.statistics().unread == 1; });
      CHECK(first.close(0ns).unsent == 0);
    }
    net::router_socket next(patient({.bind = at}));
    // More than its queue takes: what was written to the first one is lost.
    for (int i = 0; i < 2000; ++i) REQUIRE(dealer.send(numbered(i), long_enough) == send_status::ok);
    CHECK(next.wait_peers(1));
    CHECK(next.recv()->front().text() == "d");
    for (int i = 0; i < count; ++i) CHECK(number_of(*dealer.recv()) == i);
    dealer.close(0ns);  // when the other one goes first, some may be unsent
  });
}

TEST_CASE("an endpoint whose peer refuses the credentials is not tried again, unless the program says so") {
  in_actor([] {
    std::atomic<bool> lets_in{false};
    net::router_socket in(
        patient({.authenticate = [&](std::string_view, std::string_view) { return lets_in.load(); }}));
    net::dealer_socket out(patient({.username = "me", .password = "guessed"}));
    const auto events = out.events();
    const std::string at = testing::fresh_ipc();
    out.connect(at);
    for (int i = 0; i < 3; ++i) CHECK(out.send(numbered(i)));
    in.bind(at);
    const std::string reason = await(events, peer_event_kind::handshake_failed).reason;
    INFO(reason);
    CHECK(reason.ends_with("; it is not tried again"));
    testing::eventually([&] { return out.peers().empty(); });
    CHECK(out.statistics().lost == 3);
    CHECK(out.statistics().unsent == 0);
    CHECK(out.statistics().handshakes_failed == 1);
    CHECK(out.try_send(message("nobody")) == send_status::full);

    lets_in = true;
    out.connect(at);
    CHECK(out.send(message("in")));
    CHECK(in.recv()->back() == "in");
    CHECK(out.disconnect(at));
    CHECK_FALSE(out.disconnect(at));
  });
}
