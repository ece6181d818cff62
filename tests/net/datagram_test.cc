#include "weir/net/datagram.h"

#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/bytes.h"
#include "tests/net/fresh.h"
#include "tests/net/raw_socket.h"
#include "tests/testing.h"
#include "weir/net/endpoint.h"
#include "weir/net/error.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::local_datagram;
using net::udp_socket;
using testing::in_actor;

TEST_CASE("datagrams keep their limits, and tell where they came from") {
  in_actor([] {
    const udp_socket a("127.0.0.1:0"), b("127.0.0.1:0");
    CHECK(a.at().port() != 0);
    CHECK(a.send_to("one", b.at()).bytes == 3);
    CHECK(a.send_to("", b.at()));
    CHECK(a.send_to("three", b.at()));
    char part[100];
    for (const std::string text : {"one", "", "three"}) {
      const auto r = b.recv_from(part);
      CHECK(r);
      CHECK(std::string(part, r.bytes) == text);
      CHECK(r.size == text.size());
      CHECK(r.from == a.at());
      CHECK_FALSE(r.truncated());
    }
    CHECK(b.send_to("back", a.at()));
    CHECK(a.recv(part).bytes == 4);
  });
}

TEST_CASE("a datagram that does not fit is cut, and that is told") {
  in_actor([] {
    const udp_socket a("127.0.0.1:0"), b("127.0.0.1:0");
    CHECK(a.send_to("0123456789", b.at()));
    CHECK(a.send_to("next", b.at()));
    char part[4];
    const auto r = b.recv_from(part);
    CHECK(r);
    CHECK(r.truncated());
    CHECK(r.bytes == 4);
    CHECK(r.size == 10);
    CHECK(std::string(part, 4) == "0123");
    CHECK_FALSE(b.recv_from(part).truncated());
    CHECK(std::string(part, 4) == "next");
    CHECK(a.send_to(std::string(65'508, 'x'), b.at()).status == io_status::too_long);
  });
}

TEST_CASE("a receive ends at its deadline, by a cancel and by a close") {
  in_actor([] {
    const udp_socket a("127.0.0.1:0");
    char part[10];
    CHECK(a.recv_from(part, 2ms).status == io_status::timeout);
    CHECK(a.recv(part, -1s).status == io_status::timeout);
    CHECK_FALSE(within(1ms, [&] { (void)a.recv_from(part); }));
    CHECK(a.send_to("me", a.at()));
    // There already; the kernel delivers to itself at once, but for a machine that is busy.
    testing::eventually([&] { return bool(a.recv_from(part, -1s)); });
    with_scope([&](scope& s) {
      for (int i = 0; i < 3; ++i)
        s.spawn([&] {
          char own[10];
          EXPECT(a.recv_from(own).status == io_status::closed);
        });
      this_actor::sleep(1ms);
      a.close();
    });
    CHECK(a.send_to("x", *net::address::ip("127.0.0.1", 9)).status == io_status::closed);
    CHECK_THROWS_WITH(udp_socket().recv(part), Catch::StartsWith("recv: the handle refers to a socket"));
  });
}

TEST_CASE("a connected socket hears from its peer only, and learns that nobody listens") {
  in_actor([] {
    const udp_socket server("127.0.0.1:0"), stranger("127.0.0.1:0");
    const udp_socket client = net::udp_connect(server.at());
    CHECK(client.name() == "udp://" + server.at().text());
    CHECK(client.send("hello"));
    char part[10];
    const auto r = server.recv_from(part);
    CHECK(stranger.send_to("spam", r.from));
    CHECK(server.send_to("answer", r.from));
    CHECK(client.recv(part).bytes == 6);
    CHECK(client.recv(part, 2ms).status == io_status::timeout);

    const udp_socket lost = net::udp_connect("127.0.0.1:" + std::to_string(testing::deserted_datagram_port()));
    CHECK(lost.send("anybody?"));
    const auto answer = lost.recv(part, 100s);
    CHECK(answer.status == io_status::reset);
    CHECK(answer.code == ECONNREFUSED);
    CHECK(lost.recv(part, 2ms).status == io_status::timeout);  // it goes on
    CHECK_THROWS_AS(server.send("to whom?"), net::error);
  });
}

TEST_CASE("several actors receive on one socket: each datagram goes to one of them, whole") {
  in_actor([] {
    const udp_socket from("127.0.0.1:0"), to("127.0.0.1:0", {.receive_buffer = 1 << 20});
    constexpr int count = 500;
    std::atomic<int> got{0};
    std::vector<std::atomic<int>> seen(count);
    with_scope([&](scope& s) {
      for (int i = 0; i < 4; ++i)
        s.spawn("receiver", [&] {
          char part[300];
          while (const auto r = to.recv_from(part)) {
            const auto id = static_cast<unsigned char>(part[0]) + 256U * static_cast<unsigned char>(part[1]);
            EXPECT(id < count);
            EXPECT(testing::are_bytes_of({part + 2, r.bytes - 2}, id, 0));
            ++seen[id % count];
            ++got;
          }
        });
      for (int i = 0; i < count; ++i) {
        std::string text{static_cast<char>(i % 256), static_cast<char>(i / 256)};
        CHECK(from.send_to(text + testing::bytes_of(static_cast<std::uint64_t>(i), 0, 100), to.at()));
        while (got < i - 50) this_actor::yield();  // so that the kernel drops none
      }
      testing::eventually([&] { return got == count; });
      to.close();
    });
    for (const auto& n : seen) CHECK(n == 1);
  });
}

TEST_CASE("datagrams within the machine: a full peer makes the sender wait, and none is lost") {
  for (int round = 0; round < 2; ++round)
    in_actor([round] {
      const bool connected = round == 1;
      const std::string name = testing::fresh_local_name();
      const local_datagram server(name);
      const local_datagram client = connected ? net::local_datagram_connect(name) : local_datagram("@");
      const auto send = [&](std::string_view text, deadline limit) {
        return connected ? client.send(text, limit) : client.send_to(text, server.at(), limit);
      };
      int sent = 0;
      while (send(std::to_string(sent), 5ms)) ++sent;
      CHECK(sent > 0);
      CHECK(send("x", 1ms).status == io_status::timeout);
      CHECK_FALSE(within(1ms, [&] { (void)send("x", {}); }));
      with_scope([&](scope& s) {
        s.spawn("sender", [&] {
          for (int i = 0; i < 200; ++i) EXPECT(send(std::to_string(sent + i), {}));
        });
        char part[20];
        for (int i = 0; i < sent + 200; ++i) {
          const auto r = server.recv_from(part);
          REQUIRE(std::string(part, r.bytes) == std::to_string(i));
          CHECK(r.from == client.at());
        }
      });
      while (send("x", 0s)) {
      }
      with_scope([&](scope& s) {  // a close ends all that wait, and what is called after it
        for (int i = 0; i < 3; ++i)
          s.spawn("waits for room", [&] { EXPECT(send("x", {}).status == io_status::closed); });
        this_actor::sleep(1ms);
        client.close();
      });
      CHECK(send("x", {}).status == io_status::closed);
    });
}

TEST_CASE("a sender within the machine learns that its peer has gone") {
  for (const bool connected : {false, true})
    in_actor([connected] {
      const std::string name = testing::fresh_local_name();
      const local_datagram server(name);
      const local_datagram client = connected ? net::local_datagram_connect(name) : local_datagram("@");
      const net::address at = server.at();
      server.close();
      CHECK((connected ? client.send("x") : client.send_to("x", at)).status == io_status::reset);
    });
}

TEST_CASE("plain threads send and receive, and block") {
  const udp_socket a("127.0.0.1:0"), b("127.0.0.1:0");
  std::thread echo([&] {
    char part[100];
    while (const auto r = b.recv_from(part)) EXPECT(b.send_to({part, r.bytes}, r.from));
  });
  char part[100];
  for (int i = 0; i < 100; ++i) {
    CHECK(a.send_to("ping", b.at()));
    CHECK(a.recv(part).bytes == 4);
  }
  b.close();
  echo.join();
  testing::check_expectations();
}
