#include "weir/net/dns/dial.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdint>
#include <string>

#include "tests/net/raw_socket.h"
#include "tests/testing.h"
#include "weir/net/endpoint.h"
#include "weir/net/error.h"
#include "weir/runtime/scope.h"

namespace {

using testing::in_actor;
using weir::net::dial;
using weir::net::tcp_listener;

// A port of ::1 with nobody there, and nobody else's: `localhost` may mean that too.
class deserted_six {
 public:
  explicit deserted_six(std::uint16_t port) : fd_(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_addr = in6addr_loopback;
    at.sin6_port = htons(port);
    // Without IPv6 there is nothing to take.
    taken_ = fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 || errno != EADDRINUSE;
  }
  ~deserted_six() {
    if (fd_ >= 0) close(fd_);
  }
  explicit operator bool() const noexcept { return taken_; }

 private:
  const int fd_;
  bool taken_;
};

}  // namespace

TEST_CASE("a host is called by its name, whichever of its addresses answers") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    const deserted_six six(listener.port());
    if (!six) return;  // somebody else's by chance
    weir::with_scope([&](weir::scope& s) {
      s.spawn("server", [&] {
        for (int i = 0; i < 2; ++i) EXPECT(listener.accept()->write_all("hi"));
      });
      for (const std::string& host : {std::string("localhost"), std::string("127.0.0.1")}) {
        const auto c = dial(host + ":" + std::to_string(listener.port()));
        std::array<char, 2> two{};
        CHECK(c.read_exactly(two));
        CHECK(std::string(two.data(), two.size()) == "hi");
      }
    });
  });
}

TEST_CASE("what cannot be called is told: the text, the name, nobody there") {
  in_actor([] {
    CHECK_THROWS_AS(dial("localhost"), weir::net::bad_endpoint);
    CHECK_THROWS_AS(dial("/run/x"), weir::net::bad_endpoint);
    CHECK_THROWS_AS(dial("udp://localhost:1"), weir::net::bad_endpoint);
    CHECK_THROWS_WITH(dial("a..b:80"), Catch::Contains("a..b"));
    const deserted_six six(testing::deserted_port());
    if (!six) return;
    try {
      dial("localhost:" + std::to_string(testing::deserted_port()));
      FAIL_CHECK("connected");
    } catch (const weir::net::error& e) {
      CHECK(e.refused());
    }
  });
}
