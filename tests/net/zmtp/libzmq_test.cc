// The codec against libzmq, in both directions. What libzmq asserts about this side is in the scripts.
#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/raw_socket.h"
#include "tests/net/zmtp/libzmq_peer.h"
#include "tests/net/zmtp/wire.h"
#include "weir/net/message.h"

using namespace std::string_literals;
using namespace weir::net::zmtp;
using testing::blocking_connection;
using testing::libzmq_listener;
using testing::libzmq_script;
using testing::raw_socket;
using weir::net::message;
using frames = std::vector<std::string>;
using status = weir::net::zmtp::handshake_status;

namespace {

// One that may talk to `t`.
socket_type partner(socket_type t) {
  for (int i = 0; i < socket_types; ++i)
    if (legal(t, static_cast<socket_type>(i))) return static_cast<socket_type>(i);
  FAIL("none");
  return t;
}

std::string numbered(std::size_t size, std::size_t i) {
  std::string s(size, '\0');
  for (std::size_t at = 0; at < size; ++at) s[at] = static_cast<char>(at * 31 + i);
  return s;
}

// Sizes around all the places where either side changes its way.
const std::vector<std::size_t> sizes = {0,     1,     33,    34,     71,        72,        254,  255,
                                        256,   257,   1000,  4095,   4096,      8191,      8192, 8193,
                                        16384, 65535, 65536, 70'000, 1'000'000, 10'000'000};

// Sends messages of one frame and of several to a socket that sends them back.
void exchange(blocking_connection& c) {
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::string body = numbered(sizes[i], i);
    c.out.add(message(body));
    c.out.add(message::of("", body, "end"));
    c.flush();
    const bool same = c.message() == frames{body} && c.message() == frames{"", body, "end"};
    INFO(sizes[i]);
    CHECK(same);
  }
  // Many at once.
  for (std::size_t i = 0; i < 5000; ++i) c.out.add(message(numbered(i % 100, i)));
  c.flush();
  bool same = true;
  for (std::size_t i = 0; i < 5000; ++i) same = same && c.message() == frames{numbered(i % 100, i)};
  CHECK(same);
}

const std::string echo = "\nfor i in range(2 * " + std::to_string(sizes.size()) +
                         " + 5000): s.send_multipart(s.recv_multipart())\n"
                         "assert s.recv() == b'bye'\n";

}  // namespace

// Its monitors have names of ours: by default descriptors name them, and one that comes back meets the monitor of the
// socket that had it before, which libzmq is still closing.
TEST_CASE("each type of libzmq's sockets connects to this side, and tells its type and identity") {
  const libzmq_listener listener;
  libzmq_script peer(R"(
for kind in range(11):
    s = sock(kind)
    s.IDENTITY = b'peer %d' % kind
    m = s.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED, 'inproc://monitor %d' % kind)
    m.RCVTIMEO = 60_000
    connect(s)
    zmq.utils.monitor.recv_monitor_message(m)
    s.close()
)",
                     listener.port());
  for (int i = 0; i < socket_types; ++i) {
    const auto type = static_cast<socket_type>(i);
    INFO(name(type));
    blocking_connection c(listener.accepted(), {.type = partner(type), .side = role::server});
    const handshake& h = c.shake();
    REQUIRE(h.failure().text() == violation().text());
    REQUIRE(h.status() == status::done);
    CHECK(h.peer().type == type);
    CHECK(h.peer().version == protocol_version{3, 1});
    CHECK(h.peer().identity == (has_identity(type) ? "peer " + std::to_string(i) : ""));
    CHECK(c.next().kind == input::more);  // it closes
  }
  CHECK(peer.status() == 0);
}

TEST_CASE("this side connects to each type of libzmq's sockets") {
  libzmq_script peer(R"(
for kind in range(11):
    s = sock(kind)
    m = s.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED, 'inproc://monitor %d' % kind)
    m.RCVTIMEO = 60_000
    bind(s)
    zmq.utils.monitor.recv_monitor_message(m)
    s.close()
)");
  for (int i = 0; i < socket_types; ++i) {
    const auto type = static_cast<socket_type>(i);
    INFO(name(type));
    blocking_connection c(raw_socket::connected(peer.port()), {.type = partner(type)});
    REQUIRE(c.shake().status() == status::done);
    CHECK(c.next().kind == input::more);
  }
  CHECK(peer.status() == 0);
}

TEST_CASE("messages of all sizes go to libzmq and back, whoever connects") {
  SECTION("libzmq connects") {
    const libzmq_listener listener;
    libzmq_script peer("s = sock(zmq.DEALER); connect(s)" + echo, listener.port());
    blocking_connection c(listener.accepted(), {.type = socket_type::dealer, .side = role::server});
    REQUIRE(c.shake().status() == status::done);
    exchange(c);
    c.send("bye");
    CHECK(peer.status() == 0);
  }
  SECTION("this side connects") {
    libzmq_script peer("s = sock(zmq.PAIR); bind(s)" + echo);
    blocking_connection c(raw_socket::connected(peer.port()), {});
    REQUIRE(c.shake().status() == status::done);
    exchange(c);
    c.send("bye");
    CHECK(peer.status() == 0);
  }
}

TEST_CASE("an identity is the first frame of what libzmq's ROUTER gives to its program") {
  libzmq_script peer(R"(
s = sock(zmq.ROUTER); bind(s)
assert s.recv_multipart() == [b'weir', b'', b'question']
s.send_multipart([b'weir', b'', b'answer'])
)");
  blocking_connection c(raw_socket::connected(peer.port()), {.type = socket_type::req, .identity = "weir"});
  REQUIRE(c.shake().status() == status::done);
  c.send(message::of("", "question"));
  CHECK(c.message() == frames{"", "answer"});
  CHECK(peer.status() == 0);
}

TEST_CASE("a peer of a type that does not fit is told so by either side") {
  libzmq_script peer("s = sock(zmq.PULL); bind(s); threading.Event().wait()");
  blocking_connection c(raw_socket::connected(peer.port()), {.type = socket_type::pub});
  const handshake& h = c.shake();
  CHECK(h.status() == status::failed);
  CHECK(h.failure().broken == rule::socket_type_legal);
}

TEST_CASE("PLAIN: this side is the client, and libzmq says whether its password is good") {
  const std::string server = R"(
auth = zmq.auth.thread.ThreadAuthenticator(ctx)
auth.start()
auth.configure_plain(domain='*', passwords={'user': 'secret'})
s = sock(zmq.REP); s.plain_server = True
)";
  const auto client = [](std::string password) -> handshake_options {
    return {
        .type = socket_type::req, .mechanism = security::plain, .username = "user", .password = std::move(password)};
  };
  SECTION("good") {
    libzmq_script peer(server + R"(
bind(s)
assert s.recv() == b'question'
s.send(b'answer')
auth.stop()
)");
    blocking_connection c(raw_socket::connected(peer.port()), client("secret"));
    REQUIRE(c.shake().status() == status::done);
    c.send(message::of("", "question"));
    CHECK(c.message() == frames{"", "answer"});
    CHECK(peer.status() == 0);
  }
  SECTION("wrong") {
    libzmq_script peer(server +
                       "m = s.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)\nm.RCVTIMEO = 60_000\nbind(s)\n"
                       "e = zmq.utils.monitor.recv_monitor_message(m)\nassert e['value'] == 400\nauth.stop()\n");
    blocking_connection c(raw_socket::connected(peer.port()), client("guess"));
    const handshake& h = c.shake();
    CHECK(h.failure().broken == rule::refused_by_peer);
    CHECK(h.failure().value == "\"400\"");
    CHECK(peer.status() == 0);
  }
}

TEST_CASE("PLAIN: libzmq is the client, and this side says whether its password is good") {
  const libzmq_listener listener;
  libzmq_script peer(R"(
s = sock(zmq.REQ); s.plain_username = b'user'; s.plain_password = b'secret'; connect(s)
s.send(b'question')
assert s.recv() == b'answer'
s.close()
s = sock(zmq.REQ); s.plain_username = b'user'; s.plain_password = b'guess'
# Correctly spelt, ERROR is no command that libzmq 4.3.4 knows in PLAIN.
m = s.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
m.RCVTIMEO = 60_000
connect(s)
e = zmq.utils.monitor.recv_monitor_message(m)
assert e['value'] in (400, zmq.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND), e
)",
                     listener.port());
  const handshake_options server{.type = socket_type::rep, .side = role::server, .mechanism = security::plain};
  const auto good = [](std::string_view user, std::string_view password) {
    return user == "user" && password == "secret";
  };
  {
    blocking_connection c(listener.accepted(), server);
    const handshake& h = c.shake(good);
    REQUIRE(h.status() == status::done);
    CHECK(h.peer().username == "user");
    CHECK(c.message() == frames{"", "question"});
    c.send(message::of("", "answer"));
    CHECK(c.next().kind == input::more);
  }
  blocking_connection c(listener.accepted(), server);
  CHECK(c.shake(good).failure().broken == rule::refused_by_us);
  CHECK(peer.status() == 0);
}

TEST_CASE("mechanisms that differ end it on both sides") {
  libzmq_script peer(R"(
s = sock(zmq.REP); s.plain_server = True
m = s.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
m.RCVTIMEO = 60_000
bind(s)
e = zmq.utils.monitor.recv_monitor_message(m)
assert e['value'] == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH, e
)");
  blocking_connection c(raw_socket::connected(peer.port()), {.type = socket_type::req});
  const handshake& h = c.shake();
  CHECK(h.status() != status::done);
  // libzmq closes when it has seen ours, mostly before it has sent its own.
  CHECK((h.failure().broken == rule::mechanism || h.failure().broken == rule::none));
  CHECK(peer.status() == 0);
}

TEST_CASE("PING and PONG go both ways") {
  const libzmq_listener listener;
  libzmq_script peer(R"(
s = sock(zmq.PAIR)
s.HEARTBEAT_IVL, s.HEARTBEAT_TTL, s.HEARTBEAT_TIMEOUT = 20, 1500, 50_000
connect(s)
assert s.recv() == b'bye'
)",
                     listener.port());
  blocking_connection c(listener.accepted(), {.side = role::server});
  REQUIRE(c.shake().status() == status::done);
  c.out.ping(600, "0123456789abcdef");
  c.flush();
  int pings = 0, pongs = 0;
  while (pings < 5 || pongs < 1) {
    const wire::event e = c.next();
    REQUIRE((e.kind == input::ping || e.kind == input::pong));
    if (e.kind == input::pong) {
      CHECK(e.frames == frames{"0123456789abcdef"});
      ++pongs;
      continue;
    }
    ++pings;
    CHECK(c.in().ping_ttl() == 15);
    c.out.pong(e.frames[0]);
    c.flush();
  }
  c.send("bye");
  CHECK(peer.status() == 0);
}

TEST_CASE("libzmq's SUB subscribes by commands at a peer of 3.1, and by messages at one of 3.0") {
  for (const std::uint8_t minor : {1, 0}) {
    const libzmq_listener listener;
    libzmq_script peer(R"(
s = sock(zmq.SUB); s.subscribe(b'a'); connect(s)
assert s.recv_multipart() == [b'apple', b'red']
s.subscribe(b'')
assert s.recv() == b'pear'
s.unsubscribe(b'a')
assert s.recv() == b'end'
)",
                       listener.port());
    blocking_connection c(listener.accepted(), {.type = socket_type::pub, .side = role::server, .version = {3, minor}});
    REQUIRE(c.shake().status() == status::done);
    CHECK(c.next() == wire::event{input::subscribe, {"a"}});
    c.send("pear");  // libzmq filters too
    c.send(message::of("apple", "red"));
    CHECK(c.next() == wire::event{input::subscribe, {""}});
    c.send("pear");
    CHECK(c.next() == wire::event{input::cancel, {"a"}});
    c.send("end");
    CHECK(peer.status() == 0);
    CHECK((c.received().find("\x9SUBSCRIBE") != std::string::npos) == (minor == 1));
    CHECK((c.received().find("\0\2\1a"s) != std::string::npos) == (minor == 0));
  }
}

TEST_CASE("libzmq's XPUB takes both forms of subscription from this side") {
  for (const std::uint8_t minor : {1, 0}) {
    libzmq_script peer(R"(
s = sock(zmq.XPUB); s.XPUB_VERBOSER = 1; bind(s)
assert s.recv() == b'\1a'
for m in b'pear', b'apple': s.send(m)
assert s.recv() == b'\1'
s.send(b'pear')
assert s.recv() == b'\0'
assert s.recv() == b'\0a'
s.send(b'apple')
assert s.recv() == b'\1end'
s.send(b'end')
)");
    blocking_connection c(raw_socket::connected(peer.port()), {.type = socket_type::sub});
    REQUIRE(c.shake().status() == status::done);
    c.out = encoder({3, minor});
    c.out.subscribe("a");
    c.flush();
    CHECK(c.message() == frames{"apple"});
    c.out.subscribe("");
    c.flush();
    CHECK(c.message() == frames{"pear"});
    c.out.cancel("");
    c.out.cancel("a");
    c.out.subscribe("end");
    c.flush();
    CHECK(c.message() == frames{"end"});
    CHECK(peer.status() == 0);
  }
}
