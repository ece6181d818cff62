// Subscriptions as commands (ZMTP 3.1) and as messages (3.0), against peers that speak it by hand in Python.
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "tests/net/socket/zmq_peer.h"
#include "tests/testing.h"
#include "weir/net/message.h"
#include "weir/net/socket/pub_sub.h"

using namespace std::chrono_literals;
using namespace weir::net;
using testing::in_actor;
using testing::zmq_peer;

TEST_CASE("both forms of subscription are understood, whatever version the peer has") {
  in_actor([] {
    zmq_peer peer;
    xpub_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 60s});
    for (const char* minor : {"0", "1"})
      for (const char* as_message : {"True", "False"}) {
        INFO("3." << minor << ", as message: " << as_message);
        peer.run("p = raw.connected('" + s.last_endpoint() + "', b'SUB', " + minor + ")\np.subscribe(b't', " +
                 as_message + ")");
        CHECK(s.recv()->text() == "\1t");
        CHECK(s.wait_subscribers(1, "t"));
        peer.start("got = p.frame()\nassert got == (0, b't 1'), got\np.cancel(b't', " + std::string(as_message) + ")");
        CHECK(s.send(message("not t")));
        CHECK(s.send(message("t 1")));
        peer.result();
        CHECK(s.recv()->text() == std::string("\0t", 2));
        peer.run("p.connection.close()");
      }
  });
}

TEST_CASE("a subscription is sent in the form that the peer's version knows, also after it has come back") {
  in_actor([] {
    zmq_peer peer;
    sub_socket s({.reconnect = 1ms, .handshake_time = 60s});
    s.subscribe("t");
    s.connect(
        peer.run("listener = socket.create_server(('127.0.0.1', 0))\n"
                 "say('tcp://127.0.0.1:%d' % listener.getsockname()[1])"));
    for (const char* expected : {"0, (0, b'\\x01t')", "1, (4, b'\\x09SUBSCRIBEt')", "0, (0, b'\\x01t')"}) {
      INFO(expected);
      peer.start("minor, expected = " + std::string(expected) +
                 "\np = raw.accepted(listener, b'PUB', minor)\ngot = p.frame()\nassert got == expected, got\n"
                 "p.send(b't 1')\np.send(b'nobody wants this')\np.send(b't 2')");
      CHECK(s.recv()->text() == "t 1");
      CHECK(s.recv()->text() == "t 2");
      peer.result();
      peer.run("p.connection.close()");
    }
  });
}
