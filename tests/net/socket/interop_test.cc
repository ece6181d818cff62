// Every legal pair of types against libzmq: whoever binds, with NULL and with PLAIN. What libzmq asserts about this
// side is in the pieces of Python; each message is compared, on both sides.
#include <catch2/catch.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/net/socket/zmq_peer.h"
#include "tests/testing.h"
#include "weir/net/message.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/pair.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/push_pull.h"
#include "weir/net/socket/req_rep.h"

namespace {

using namespace std::chrono_literals;
using namespace weir::net;
using testing::in_actor;
using testing::zmq_peer;

constexpr std::size_t messages = 30;  // of one frame, and as many of several
const std::string each_way = "for several in (False, True): ";
const std::string arguments = "(s, 30, several)\n";

// As zmq_peer.py has it.
message numbered(std::size_t i, bool several) {
  const std::string body = std::to_string(i) + " " + std::string(i * 37 % 400, 'x');
  return several ? message::of("t", "", body) : message("t" + body);
}

template <class F>
void for_each_message(F f) {
  for (const bool several : {false, true})
    for (std::size_t i = 0; i < messages; ++i) f(numbered(i, several));
}

message behind(std::string_view frame, message m) {
  m.push_front(weir::net::frame(frame));
  return m;
}

// One way for two sockets to find each other.
struct way {
  zmq_peer& peer;
  bool weir_binds, plain;

  // Makes `s`, of that type, in Python, and connects both. `then`: what Python does before anything can come.
  template <class Socket>
  Socket link(const std::string& kind, socket_options options = {}, const std::string& then = "") const {
    std::string python = "s = sock(zmq." + kind + ")\n";
    options.handshake_time = 60s;
    // The server of PLAIN is whoever binds, but for libzmq's REQ, which takes a peer's user name for an answer that is
    // malformed, and hangs up (4.3.4; on libzmq's own REP too).
    if (plain && (weir_binds || kind == "REQ")) {
      options.authenticate = [](std::string_view user, std::string_view password) {
        return user == "user" && password == "secret";
      };
      python += "s.plain_username = b'user'; s.plain_password = b'secret'\n";
    } else if (plain) {
      options.username = "user";
      options.password = "secret";
      python += "s.plain_server = True\n";
    }
    python += then + "\n";
    Socket made(std::move(options));
    if (weir_binds)
      peer.run(python + "s.connect('" + made.bind("tcp://127.0.0.1:*") + "')");
    else
      made.connect(peer.run(python + "bind(s)"));
    return made;
  }

  template <class Socket>
  void end(Socket& s) const {
    peer.run("s.close()");
    CHECK(s.close(60s).unsent == 0);
  }
};

template <class Socket>
void send_numbered(Socket& to, const char* envelope = nullptr) {
  for_each_message([&](message m) {
    if (envelope != nullptr) m = behind(envelope, std::move(m));
    if (!to.send(std::move(m))) FAIL("closed");
  });
}
template <class Socket>
void expect_numbered(Socket& from, const char* envelope = nullptr) {
  bool same = true;
  for_each_message([&](message m) {
    if (envelope != nullptr) m = behind(envelope, std::move(m));
    const std::optional<message> got = from.recv();
    same = same && got && *got == m;
  });
  CHECK(same);
}
template <class Socket>
void send_back(Socket& both) {
  for_each_message([&](const message&) {
    std::optional<message> m = both.recv();
    if (!m || !both.send(std::move(*m))) FAIL("closed");
  });
}

void push(const way& w) {
  auto s = w.link<push_socket>("PULL");
  w.peer.start(each_way + "expect_numbered" + arguments);
  send_numbered(s);
  w.peer.result();
  w.end(s);
}

void pull(const way& w) {
  auto s = w.link<pull_socket>("PUSH");
  w.peer.start(each_way + "send_numbered" + arguments);
  expect_numbered(s);
  w.peer.result();
  w.end(s);
}

// To SUB or XSUB, which want "t".
template <class Socket>
void publish(const way& w, const std::string& kind) {
  auto s = w.link<Socket>(kind, {}, kind == "SUB" ? "s.subscribe(b't')" : "s.send(b'\\x01t')");
  // A socket of libzmq takes notice of its peers, and subscribes, while it is in one of its calls.
  w.peer.start(each_way + "expect_numbered" + arguments);
  if constexpr (std::is_same_v<Socket, xpub_socket>) CHECK(s.recv()->text() == "\1t");
  CHECK(s.wait_subscribers(1, "t"));
  CHECK(s.send(message("nobody wants this")));
  send_numbered(s);
  w.peer.result();
  w.end(s);
}

// From PUB, which knows nothing of its subscribers, or XPUB, which does.
template <class Socket>
void subscribe(const way& w, const std::string& kind) {
  auto s = w.link<Socket>(kind);
  if constexpr (std::is_same_v<Socket, xsub_socket>)
    CHECK(s.send(message("\1t")));
  else
    s.subscribe("t");
  if (kind == "XPUB")
    w.peer.run("got = s.recv()\nassert got == b'\\x01t', got");
  else
    w.peer.start("until_told(lambda: s.send(b't probe'))");
  std::optional<message> m;
  if (kind == "PUB") {
    m = s.recv();
    CHECK(m->text() == "t probe");
  }
  w.peer.start("s.send(b'nobody wants this'); s.send(b't begins')\n" + each_way + "send_numbered" + arguments);
  if (kind == "PUB") w.peer.result();
  do m = s.recv();
  while (m->text() == "t probe");
  CHECK(m->text() == "t begins");
  expect_numbered(s);
  w.peer.result();
  w.end(s);
}

// PAIR with PAIR, DEALER with DEALER.
template <class Socket>
void both_ways(const way& w, const std::string& kind) {
  auto s = w.link<Socket>(kind);
  w.peer.start(each_way + "expect_numbered" + arguments + each_way + "send_numbered" + arguments);
  send_numbered(s);
  expect_numbered(s);
  w.peer.result();
  w.end(s);
}

const std::string python_sends_back = "for i in range(60): s.send_multipart(s.recv_multipart())\n";

void dealer_to_rep(const way& w) {
  auto s = w.link<dealer_socket>("REP");
  w.peer.start(python_sends_back);
  send_numbered(s, "");
  expect_numbered(s, "");
  w.peer.result();
  w.end(s);
}

void dealer_to_router(const way& w) {
  auto s = w.link<dealer_socket>("ROUTER", {.identity = "weir"});
  w.peer.start("for i in range(60):\n  m = s.recv_multipart()\n  assert m[0] == b'weir', m\n  s.send_multipart(m)\n");
  send_numbered(s);
  expect_numbered(s);
  w.peer.result();
  w.end(s);
}

void router_to_dealer(const way& w) {
  auto s = w.link<router_socket>("DEALER", {}, "s.IDENTITY = b'python'");
  w.peer.start(each_way + "send_numbered" + arguments + each_way + "expect_numbered" + arguments);
  for_each_message([&](message m) {
    std::optional<message> got = s.recv();
    CHECK((got && *got == behind("python", std::move(m))));
    CHECK(s.send(std::move(*got)));
  });
  w.peer.result();
  w.end(s);
}

const std::string python_asks =
    "for several in (False, True):\n  for i in range(30):\n"
    "    s.send_multipart(numbered(i, several))\n"
    "    got = s.recv_multipart()\n    assert got == numbered(i, several), got\n";

void router_to_req(const way& w) {
  auto s = w.link<router_socket>("REQ");
  w.peer.start(python_asks);
  send_back(s);
  w.peer.result();
  w.end(s);
}

void router_to_router(const way& w) {
  auto s = w.link<router_socket>("ROUTER", {.identity = "weir", .mandatory = true}, "s.IDENTITY = b'python'");
  CHECK(s.wait_peers(1));
  w.peer.start("for i in range(60):\n  m = s.recv_multipart()\n  assert m[0] == b'weir', m\n  s.send_multipart(m)\n");
  send_numbered(s, "python");
  expect_numbered(s, "python");
  w.peer.result();
  w.end(s);
}

void req(const way& w, const std::string& kind) {
  auto s = w.link<req_socket>(kind);
  w.peer.start(python_sends_back);
  for_each_message([&](message m) {
    const auto got = s.request(m.copy());
    CHECK((got && *got == m));
  });
  w.peer.result();
  w.end(s);
}

// As programs do that know of no number before the delimiter.
void req_in_step(const way& w, const std::string& kind) {
  auto s = w.link<req_socket>(kind);
  w.peer.start(kind == "REP" ? python_sends_back
                             : "for i in range(60):\n  ident, empty, *body = s.recv_multipart()\n"
                               "  assert empty == b'', empty\n  s.send_multipart([ident, b'', *body])\n");
  for_each_message([&](message m) {
    CHECK(s.send(m.copy()));
    const auto got = s.recv(60s);
    CHECK((got && *got == m));
  });
  w.peer.result();
  w.end(s);
}

void rep(const way& w, const std::string& kind) {
  auto s = w.link<rep_socket>(kind);
  if (kind == "REQ")
    w.peer.start(python_asks);
  else
    w.peer.start(
        "for several in (False, True):\n  send_numbered(s, 30, several, [b''])\n"
        "  expect_numbered(s, 30, several, [b''])\n");
  for_each_message([&](message m) {
    std::optional<request> q = s.recv();
    CHECK((q && q->body() == m));
    CHECK(q->reply(std::move(m)));
  });
  w.peer.result();
  w.end(s);
}

const std::pair<const char*, std::function<void(const way&)>> pairs[] = {
    {"PUSH and PULL", push},
    {"PULL and PUSH", pull},
    {"PUB and SUB", [](const way& w) { publish<pub_socket>(w, "SUB"); }},
    {"PUB and XSUB", [](const way& w) { publish<pub_socket>(w, "XSUB"); }},
    {"XPUB and SUB", [](const way& w) { publish<xpub_socket>(w, "SUB"); }},
    {"XPUB and XSUB", [](const way& w) { publish<xpub_socket>(w, "XSUB"); }},
    {"SUB and PUB", [](const way& w) { subscribe<sub_socket>(w, "PUB"); }},
    {"SUB and XPUB", [](const way& w) { subscribe<sub_socket>(w, "XPUB"); }},
    {"XSUB and PUB", [](const way& w) { subscribe<xsub_socket>(w, "PUB"); }},
    {"XSUB and XPUB", [](const way& w) { subscribe<xsub_socket>(w, "XPUB"); }},
    {"PAIR and PAIR", [](const way& w) { both_ways<pair_socket>(w, "PAIR"); }},
    {"DEALER and DEALER", [](const way& w) { both_ways<dealer_socket>(w, "DEALER"); }},
    {"DEALER and REP", dealer_to_rep},
    {"DEALER and ROUTER", dealer_to_router},
    {"ROUTER and DEALER", router_to_dealer},
    {"ROUTER and REQ", router_to_req},
    {"ROUTER and ROUTER", router_to_router},
    {"REQ and REP", [](const way& w) { req(w, "REP"); }},
    {"REQ and ROUTER", [](const way& w) { req(w, "ROUTER"); }},
    {"REQ in step and REP", [](const way& w) { req_in_step(w, "REP"); }},
    {"REQ in step and ROUTER", [](const way& w) { req_in_step(w, "ROUTER"); }},
    {"REP and REQ", [](const way& w) { rep(w, "REQ"); }},
    {"REP and DEALER", [](const way& w) { rep(w, "DEALER"); }},
};

}  // namespace

TEST_CASE("each legal pair of types exchanges messages with libzmq: whoever binds and with NULL and PLAIN") {
  in_actor([] {
    zmq_peer peer;
    peer.run(
        "auth = zmq.auth.thread.ThreadAuthenticator(ctx); auth.start()\n"
        "auth.configure_plain(domain='*', passwords={'user': 'secret'})");
    for (const bool plain : {false, true})
      for (const bool weir_binds : {false, true})
        for (const auto& [name, exchange] : pairs) {
          INFO(name << (plain ? ", PLAIN" : ", NULL") << (weir_binds ? ", weir binds" : ", libzmq binds"));
          exchange(way{peer, weir_binds, plain});
        }
    peer.run("auth.stop()");
  });
}

TEST_CASE("credentials that libzmq refuses are not tried again, as by libzmq") {
  in_actor([] {
    zmq_peer peer;
    const std::string at = peer.run(
        "auth = zmq.auth.thread.ThreadAuthenticator(ctx); auth.start()\n"
        "auth.configure_plain(domain='*', passwords={'user': 'secret'})\n"
        "s = sock(zmq.PULL); s.plain_server = True; bind(s)");
    push_socket wrong({.reconnect = 1ms, .handshake_time = 60s, .username = "user", .password = "guessed"});
    const auto events = wrong.events();
    wrong.connect(at);
    const auto failed = events.recv();
    CHECK(failed->kind == peer_event_kind::handshake_failed);
    CHECK(failed->reason.ends_with("; it is not tried again"));
    testing::eventually([&] { return wrong.peers().empty(); });
    CHECK(wrong.statistics().handshakes_failed == 1);
    peer.run("s.close(); auth.stop()");
  });
}
