// Connecting: refusals, silence, several addresses.
#include <chrono>
#include <string>
#include <vector>

#include "tests/net/raw_socket.h"
#include "tests/net/tcp_pair.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/tcp.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::address;
using net::tcp_connect;
using net::tcp_listener;
using testing::in_actor;
using testing::loopback;
using testing::raw_socket;

TEST_CASE("a refused connect says who refused it") {
  in_actor([] {
    const std::uint16_t port = testing::deserted_port();
    try {
      tcp_connect(loopback(port));
      FAIL_CHECK("connected");
    } catch (const net::error& e) {
      CHECK(e.refused());
      CHECK(std::string(e.what()) ==
            "connect tcp://127.0.0.1:" + std::to_string(port) + ": connection refused (ECONNREFUSED)");
    }
  });
}

TEST_CASE("a connect to a black hole ends at its deadline or by a cancel, and leaves no descriptor behind") {
  in_actor([] {
    const testing::black_hole hole;
    const std::size_t before = testing::open_descriptors();
    try {
      tcp_connect(loopback(hole.port()), 20ms);
      FAIL_CHECK("connected");
    } catch (const net::error& e) {
      CHECK(e.timeout());
      CHECK_FALSE(e.refused());
    }
    CHECK_FALSE(within(10ms, [&] { tcp_connect(loopback(hole.port())); }));
    CHECK(testing::open_descriptors() == before);
  });
}

TEST_CASE("a socket that the kernel connects to itself counts as refused") {
  in_actor([] {
    std::string text;
    do {
      const std::uint16_t port = raw_socket::bound().port();  // free again, if nobody else takes it: then another one
      try {
        tcp_connect(loopback(port), {}, {.from = loopback(port)});
        FAIL_CHECK("connected");
      } catch (const net::error& e) {
        text = e.what();
      }
    } while (text.find("EADDRINUSE") != std::string::npos);
    CHECK_THAT(text, Catch::Contains("ECONNREFUSED"));
  });
}

TEST_CASE("of several addresses the first that answers wins, and no other connection stays") {
  in_actor([] {
    const testing::black_hole hole;
    const tcp_listener listener("127.0.0.1:0");
    const address silent = loopback(hole.port()), refuses = loopback(testing::deserted_port()), good = listener.at();
    const std::size_t before = testing::open_descriptors();
    const auto connect = [&](std::vector<address> to, std::chrono::milliseconds stagger) {
      return tcp_connect(to, {}, {.stagger = stagger});
    };
    CHECK(connect({good}, 1h).peer() == good);
    CHECK(connect({refuses, good}, 1h).peer() == good);          // at once after a refusal
    CHECK(connect({silent, silent, good}, 2ms).peer() == good);  // beside the silent ones
    CHECK(connect({good, silent}, 1h).peer() == good);           // the others are not even tried
    CHECK_THROWS_WITH(connect({refuses, refuses}, 1h), Catch::Contains("ECONNREFUSED"));
    const address nowhere = *address::ip("224.0.0.1", 80);
    CHECK_THROWS_WITH(connect({refuses, nowhere}, 1h), Catch::Contains("ECONNREFUSED"));  // the first that failed
    CHECK_THROWS_WITH(connect({nowhere, refuses}, 1h), Catch::Contains("ENETUNREACH"));
    CHECK_THROWS_AS(tcp_connect(std::vector{silent, refuses}, 30ms, {.stagger = 1ms}), net::error);
    CHECK_FALSE(within(5ms, [&] { connect({silent, silent}, 1ms); }));
    CHECK_THROWS_WITH(tcp_connect(std::vector<address>()),
                      Catch::StartsWith("tcp_connect: there is at least one address"));
    CHECK(testing::open_descriptors() == before);
  });
}

TEST_CASE("the families of the addresses take turns") {
  in_actor([] {
    const tcp_listener six("[::1]:0"), four("127.0.0.1:0");
    const address dead = loopback(testing::deserted_port());
    const auto first = [](std::vector<address> to) { return tcp_connect(to, {}, {.stagger = 1h}).peer(); };
    CHECK(first({dead, four.at(), six.at()}) == six.at());
    CHECK(first({dead, six.at(), four.at()}) == six.at());
    CHECK(first({four.at(), six.at()}) == four.at());
  });
}
