#include "weir/net/message_endpoint.h"

#include <catch2/catch.hpp>
#include <cstddef>
#include <string>

#include "tests/changed_seeds.h"
#include "tests/net/message_endpoint_fuzz.h"

using weir::net::address;
using weir::net::message_endpoint;
using weir::net::message_transport;

TEST_CASE("an endpoint of a message socket in any of its forms is read, and its text is read as the same") {
  struct sample {
    const char* text;
    message_endpoint expected;
    const char* printed;
    bool can_connect;
  };
  const sample samples[] = {
      {"tcp://localhost:80", {message_transport::tcp, "localhost", 80}, "tcp://localhost:80", true},
      {"tcp://127.0.0.1:5555", {message_transport::tcp, "127.0.0.1", 5555}, "tcp://127.0.0.1:5555", true},
      {"tcp://[::1]:80", {message_transport::tcp, "::1", 80}, "tcp://[::1]:80", true},
      {"tcp://[fe80::1%1]:80", {message_transport::tcp, "fe80::1%1", 80}, "tcp://[fe80::1%1]:80", true},
      {"tcp://*:5555", {message_transport::tcp, "*", 5555}, "tcp://*:5555", false},
      {"tcp://*:*", {message_transport::tcp, "*", 0}, "tcp://*:0", false},
      {"tcp://*:0", {message_transport::tcp, "*", 0}, "tcp://*:0", false},
      {"tcp://[::]:*", {message_transport::tcp, "::", 0}, "tcp://[::]:0", false},
      {"tcp://lo:0", {message_transport::tcp, "lo", 0}, "tcp://lo:0", false},
      {"ipc:///run/x.sock", {message_transport::ipc, "/run/x.sock"}, "ipc:///run/x.sock", true},
      {"ipc://x:1", {message_transport::ipc, "x:1"}, "ipc://x:1", true},
      {"ipc://@a:b/c", {message_transport::ipc, "@a:b/c"}, "ipc://@a:b/c", true},
      {"ipc://@@", {message_transport::ipc, "@@"}, "ipc://@@", true},
      {"ipc://*", {message_transport::ipc, "@"}, "ipc://@", false},
      {"ipc://@", {message_transport::ipc, "@"}, "ipc://@", false},
      {"ipc://./*", {message_transport::ipc, "./*"}, "ipc://./*", true},
      {"inproc://name", {message_transport::inproc, "name"}, "inproc://name", true},
      {"inproc://*:a b//", {message_transport::inproc, "*:a b//"}, "inproc://*:a b//", true},
  };
  for (const sample& s : samples) {
    INFO(s.text);
    const message_endpoint got = message_endpoint::to_bind(s.text);
    CHECK(got == s.expected);
    CHECK(got.text() == s.printed);
    CHECK(message_endpoint::to_bind(got.text()) == got);
    if (s.can_connect)
      CHECK(message_endpoint::to_connect(s.text) == got);
    else
      CHECK_THROWS_AS(message_endpoint::to_connect(s.text), weir::net::bad_endpoint);
  }
}

TEST_CASE("a text that is no endpoint of a message socket is refused with what was expected and found and where") {
  struct sample {
    std::string text;
    std::string complaint;
    std::size_t column;
  };
  const std::string forms =
      "expected \"tcp://HOST:PORT\", \"ipc://PATH\", \"ipc://@NAME\" or \"inproc://NAME\"; found ";
  // To bind and to connect alike.
  const sample either[] = {
      {"", forms + "nothing (column 1)", 1},
      {"localhost", forms + "no \"://\" (column 1)", 1},
      {"localhost:80", forms + "\"localhost:\" (column 1)", 1},
      {"udp://x:1", forms + "\"udp:\" (column 1)", 1},
      {"TCP://x:1", forms + "\"TCP:\" (column 1)", 1},
      {"\1://x:1", forms + "\"\\x01:\" (column 1)", 1},
      {"tcp:/x:1", "expected \"//\" after \"tcp:\"; found one '/' (column 5)", 5},
      {"ipc:", "expected \"//\" after \"ipc:\"; found the end (column 5)", 5},
      {"inproc:name", "expected \"//\" after \"inproc:\"; found \"n\" (column 8)", 8},
      {"tcp://localhost", "expected \":PORT\" after the host; found the end (column 16)", 16},
      {"tcp://:80", "expected a host before ':' (\"*\" for every address of this machine); found ':' (column 7)", 7},
      {"tcp://:*", "expected a host before ':' (\"*\" for every address of this machine); found ':' (column 7)", 7},
      {"tcp://a b:*", "expected a host of letters, digits, '-', '.' and '_'; found \" \" (column 8)", 8},
      {"tcp://::1:80", "expected a host before ':' (\"*\" for every address of this machine); found ':' (column 7)", 7},
      {"tcp://x:65536", "expected a port from 0 to 65535; found \"65536\" (column 9)", 9},
      {"tcp://x:**", "expected a port from 0 to 65535; found \"**\" (column 9)", 9},
      {"tcp://x:", "expected a port from 0 to 65535; found nothing (column 9)", 9},
      {"tcp:///x", "expected \"tcp://HOST:PORT\"; found '/' in place of the host (column 7)", 7},
      {"tcp://.x:80", "expected \"tcp://HOST:PORT\"; found '.' in place of the host (column 7)", 7},
      {"ipc://", "expected a path, or \"@NAME\"; found nothing (column 7)", 7},
      {"ipc:///" + std::string(107, 'x'), "expected a path of at most 107 bytes; found 108 bytes (column 7)", 7},
      {std::string("ipc:///a\0b", 10), "expected a path, or \"@NAME\"; found a zero byte in it (column 9)", 9},
      {"inproc://", "expected a name of 1 to 256 bytes; found nothing (column 10)", 10},
      {"inproc://" + std::string(257, 'x'), "expected a name of 1 to 256 bytes; found 257 bytes (column 10)", 10},
  };
  const sample to_connect[] = {
      {"tcp://*:80", "expected a host to connect to; found \"*\", which can only be bound (column 7)", 7},
      {"tcp://x:0", "expected a port to connect to, from 1 to 65535; found \"0\" (column 9)", 9},
      {"tcp://[::1]:*", "expected a port to connect to, from 1 to 65535; found \"*\" (column 13)", 13},
      {"ipc://*", "expected a path or a name to connect to; found \"*\", which can only be bound (column 7)", 7},
      {"ipc://@", "expected a path or a name to connect to; found \"@\", which can only be bound (column 7)", 7},
  };
  const auto refused = [](message_endpoint (*read)(std::string_view), const sample& s) {
    INFO(s.text);
    try {
      const message_endpoint got = read(s.text);
      FAIL_CHECK("was read as " << got.text());
    } catch (const weir::net::bad_endpoint& e) {
      CHECK(e.what() == "endpoint \"" + weir::net::printable(s.text) + "\": " + s.complaint);
      CHECK(e.column() == s.column);
    }
  };
  for (const sample& s : either) refused(message_endpoint::to_bind, s), refused(message_endpoint::to_connect, s);
  for (const sample& s : to_connect) refused(message_endpoint::to_connect, s);
  CHECK(message_endpoint::to_bind("ipc:///" + std::string(106, 'x')).name.size() == address::longest_local);
  CHECK(message_endpoint::to_bind("inproc://" + std::string(256, 'x')).name.size() == 256);
}

TEST_CASE("an endpoint to bind is an address, and what is bound is an endpoint") {
  const auto at = [](const char* text) { return message_endpoint::to_bind(text).listen_address(); };
  CHECK(at("tcp://*:80").text() == "0.0.0.0:80");
  CHECK(at("tcp://[::1]:*").text() == "[::1]:0");
  CHECK(at("tcp://lo:81").text() == "127.0.0.1:81");  // an interface
  CHECK(at("ipc:///run/x").text() == "/run/x");
  CHECK(at("ipc://@x").text() == "@x");
  CHECK(at("ipc://*") == *address::local("@"));
  CHECK_THROWS_WITH(at("tcp://no-such-host:80"),
                    Catch::StartsWith("endpoint \"tcp://no-such-host:80\": expected an address in numbers, \"*\" or an "
                                      "interface of this machine (\"") &&
                        Catch::Contains("\"lo\"") && Catch::EndsWith("); found \"no-such-host\" (column 7)"));

  CHECK(message_endpoint::of(*address::ip("127.0.0.1", 80)).text() == "tcp://127.0.0.1:80");
  CHECK(message_endpoint::of(*address::ip("::1", 80)).text() == "tcp://[::1]:80");
  CHECK(message_endpoint::of(*address::local("/run/x")).text() == "ipc:///run/x");
  CHECK(message_endpoint::of(*address::local("@x")).text() == "ipc://@x");
  CHECK(message_endpoint::to_bind("ipc://x").stream().text() == "unix://x");
  CHECK(message_endpoint::to_bind("tcp://[::1]:1").stream().text() == "tcp://[::1]:1");
}

TEST_CASE("the parser of message endpoints reads the fuzzer's seeds and changed ones as it must") {
  const auto seeds = fuzz::message_endpoint_seeds();
  const std::string letters = "tcpinro:/@*[]%.0159\\ -_\1\x80" + std::string(1, '\0');
  CHECK(testing::try_changed(seeds, fuzz::message_endpoint, letters) > 10 * seeds.size());
}
