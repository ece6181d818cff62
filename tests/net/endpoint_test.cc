#include "weir/net/endpoint.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "weir/net/error.h"

using namespace weir;
using net::address;
using net::endpoint;
using net::transport;

TEST_CASE("an endpoint in any of its forms is read, and its text is read as the same endpoint") {
  struct sample {
    const char* text;
    endpoint expected;
    const char* printed;
  };
  const sample samples[] = {
      {"localhost:80", {transport::tcp, "localhost", 80}, "tcp://localhost:80"},
      {"0.0.0.0:8080", {transport::tcp, "0.0.0.0", 8080}, "tcp://0.0.0.0:8080"},
      {"*:0", {transport::tcp, "*", 0}, "tcp://*:0"},
      {"[::1]:80", {transport::tcp, "::1", 80}, "tcp://[::1]:80"},
      {"[::]:65535", {transport::tcp, "::", 65535}, "tcp://[::]:65535"},
      {"[fe80::1%1]:80", {transport::tcp, "fe80::1%1", 80}, "tcp://[fe80::1%1]:80"},
      {"tcp://a-b.example_1.org:443", {transport::tcp, "a-b.example_1.org", 443}, "tcp://a-b.example_1.org:443"},
      {"udp://127.0.0.1:53", {transport::udp, "127.0.0.1", 53}, "udp://127.0.0.1:53"},
      {"/run/x.sock", {transport::local, "/run/x.sock", 0}, "unix:///run/x.sock"},
      {"./x:1", {transport::local, "./x:1", 0}, "unix://./x:1"},
      {"../x", {transport::local, "../x", 0}, "unix://../x"},
      {"unix:///run/x", {transport::local, "/run/x", 0}, "unix:///run/x"},
      {"unix://x", {transport::local, "x", 0}, "unix://x"},
      {"@name", {transport::local, "@name", 0}, "unix://@name"},
      {"unix://@a:b/c", {transport::local, "@a:b/c", 0}, "unix://@a:b/c"},
  };
  for (const sample& s : samples) {
    INFO(s.text);
    const endpoint got = endpoint::parse(s.text);
    CHECK(got == s.expected);
    CHECK(got.text() == s.printed);
    CHECK(endpoint::parse(got.text()) == got);
  }
  CHECK(endpoint::parse("127.0.0.1:53", transport::udp).text() == "udp://127.0.0.1:53");
}

TEST_CASE("a text that is no endpoint is refused with what was expected, what was found, and the column") {
  struct sample {
    std::string text;
    std::string complaint;
    std::size_t column;
  };
  const sample samples[] = {
      {"tcp:/localhost:80", "expected \"tcp://HOST:PORT\"; found one '/' after \"tcp:\" (column 5)", 5},
      {"", "expected \"HOST:PORT\", \"[IPV6]:PORT\", \"/PATH\" or \"@NAME\"; found nothing (column 1)", 1},
      {"http://x:80", "expected \"tcp://\", \"udp://\" or \"unix://\"; found \"http:\" (column 1)", 1},
      {"localhost", "expected \":PORT\" after the host; found the end (column 10)", 10},
      {":80", "expected a host before ':' (\"*\" for every address of this machine); found ':' (column 1)", 1},
      {"tcp://:80", "expected a host before ':' (\"*\" for every address of this machine); found ':' (column 7)", 7},
      {"::1:80", "expected a host before ':' (\"*\" for every address of this machine); found ':' (column 1)", 1},
      {"fe80::1",
       "expected one ':' before the port (an IPv6 address stands in brackets: \"[::1]:80\"); "
       "found another ':' (column 6)",
       6},
      {"[::1]", "expected \":PORT\" after ']'; found the end (column 6)", 6},
      {"[::1]80", "expected \":PORT\" after ']'; found \"8\" (column 6)", 6},
      {"[::1:80", "expected ']' after the IPv6 address; found the end (column 8)", 8},
      {"[127.0.0.1]:80", "expected an IPv6 address in the brackets; found \"127.0.0.1\" (column 2)", 2},
      {"[]:80", "expected an IPv6 address in the brackets; found nothing (column 2)", 2},
      {"[::1%no_such_device]:80", "expected an IPv6 address in the brackets; found \"::1%no_such_device\" (column 2)",
       2},
      {"x:", "expected a port from 0 to 65535; found nothing (column 3)", 3},
      {"x:65536", "expected a port from 0 to 65535; found \"65536\" (column 3)", 3},
      {"x:99999999999999999999", "expected a port from 0 to 65535; found \"99999999999999999999\" (column 3)", 3},
      {"x:http", "expected a port from 0 to 65535; found \"http\" (column 3)", 3},
      {"x:-1", "expected a port from 0 to 65535; found \"-1\" (column 3)", 3},
      {"a b:1", "expected a host of letters, digits, '-', '.' and '_'; found \" \" (column 2)", 2},
      {"a\x1b:1", "expected a host of letters, digits, '-', '.' and '_'; found \"\\x1b\" (column 2)", 2},
      {"x:\x80", "expected a port from 0 to 65535; found \"\\x80\" (column 3)", 3},
      {"\x01://x:1", "expected \"tcp://\", \"udp://\" or \"unix://\"; found \"\\x01:\" (column 1)", 1},
      {"1.2.3:80", "expected an IPv4 address of four numbers from 0 to 255; found \"1.2.3\" (column 1)", 1},
      {"300.0.0.1:80", "expected an IPv4 address of four numbers from 0 to 255; found \"300.0.0.1\" (column 1)", 1},
      {"unix:/run/x", "expected \"unix://PATH\" or \"unix://@NAME\"; found one '/' after \"unix:\" (column 6)", 6},
      {"unix://", "expected a path, or \"@NAME\"; found nothing (column 8)", 8},
      {"tcp:///run/x", "expected \"tcp://HOST:PORT\"; found '/' in place of the host (column 7)", 7},
      {"tcp://./x:80", "expected \"tcp://HOST:PORT\"; found '.' in place of the host (column 7)", 7},
      {"/" + std::string(107, 'x'), "expected a path of at most 107 bytes; found 108 bytes (column 1)", 1},
      {std::string("/a\0b", 4), "expected a path; found a zero byte in it (column 3)", 3},
  };
  for (const sample& s : samples) {
    INFO(s.text);
    try {
      const endpoint got = endpoint::parse(s.text);
      FAIL_CHECK("was read as " << got.text());
    } catch (const net::bad_endpoint& e) {
      CHECK(e.what() == "endpoint \"" + net::printable(s.text) + "\": " + s.complaint);
      CHECK(e.column() == s.column);
    }
  }
}

TEST_CASE("a host that is a number needs no look-up, and a name does") {
  CHECK(endpoint::parse("127.0.0.1:80").numeric()->text() == "127.0.0.1:80");
  CHECK(endpoint::parse("*:80").numeric()->text() == "0.0.0.0:80");
  CHECK(endpoint::parse("[::1]:80").numeric()->text() == "[::1]:80");
  CHECK(endpoint::parse("/run/x").numeric()->text() == "/run/x");
  CHECK(endpoint::parse("@x").numeric()->text() == "@x");
  CHECK_FALSE(endpoint::parse("localhost:80").numeric());
  CHECK(net::text_of(transport::udp, *address::ip("::1", 53)) == "udp://[::1]:53");
}

TEST_CASE("addresses compare by what they mean") {
  CHECK(*address::ip("127.0.0.1", 80) == *address::ip("127.0.0.1", 80));
  CHECK_FALSE(*address::ip("127.0.0.1", 80) == *address::ip("127.0.0.1", 81));
  CHECK_FALSE(*address::ip("127.0.0.1", 80) == *address::ip("127.0.0.2", 80));
  CHECK(*address::ip("::0001", 80) == *address::ip("::1", 80));
  CHECK_FALSE(*address::ip("::1", 80) == *address::ip("127.0.0.1", 80));
  CHECK_FALSE(*address::local("@x") == *address::local("x"));
  CHECK(address() == address());
  CHECK(address::ip("127.9.9.9", 1)->is_loopback());
  CHECK(address::ip("::1", 1)->is_loopback());
  CHECK_FALSE(address::ip("10.0.0.1", 1)->is_loopback());
}

TEST_CASE("an address that the kernel gives back is the one that was bound") {
  const std::string deepest = "/tmp/" + std::string(address::longest_local - 5, 'w');  // no room for a zero
  for (const address& at : {*address::ip("127.0.0.1", 0), *address::ip("::1", 0),
                            *address::local("@weir endpoint test"), *address::local("@"), *address::local(deepest)}) {
    INFO(at.text());
    const int fd = socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    unlink(deepest.c_str());
    if (bind(fd, at.data(), at.size()) != 0) {
      CHECK(errno == EADDRNOTAVAIL);  // a machine without IPv6
      CHECK(at.family() == AF_INET6);
    } else {
      address got = address::of_socket(fd);
      if (at.is_ip()) {
        CHECK(got.port() != 0);
        got.set_port(0);
        CHECK(got == at);
      } else if (at.text() == "(unnamed)") {
        CHECK(got.text().front() == '@');  // the kernel has chosen one
        CHECK(got.text().size() > 1);
      } else {
        CHECK(got == at);
        CHECK(got.text() == at.text());
      }
    }
    close(fd);
  }
  unlink(deepest.c_str());
}

TEST_CASE("a name without printable bytes prints") {
  CHECK(address::local(std::string_view("@a\0b", 4))->text() == "@a\\x00b");
}

TEST_CASE("the address of what is no socket is an error that says so") {
  CHECK_THROWS_AS(address::of_socket(-1), net::error);
  CHECK_THROWS_WITH(address::of_peer(-1), "getpeername descriptor -1: bad file descriptor (EBADF)");
}
