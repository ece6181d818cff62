// Listeners and streams in select.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/net/fresh.h"
#include "tests/net/raw_socket.h"
#include "tests/net/tcp_pair.h"
#include "tests/net/text_of.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/local.h"
#include "weir/net/on_accept.h"
#include "weir/net/on_stream.h"
#include "weir/net/tcp.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::tcp_connect;
using net::tcp_listener;
using net::tcp_stream;
using testing::connected;
using testing::in_actor;
using testing::raw_socket;
using testing::rest_of;

TEST_CASE("what wakes a select on a stream but brings no bytes, such as urgent data, is not taken for readable") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    const raw_socket peer = raw_socket::connected(listener.port());
    tcp_stream server = *listener.accept();
    REQUIRE(send(peer.fd(), "!", 1, MSG_OOB) == 1);
    const auto next = [&](deadline limit) {
      return select(net::on_readable(server, [] { return 1; }), after(limit, [] { return 2; }));
    };
    CHECK(next(50ms) == 2);
    peer.send_all("bytes");
    CHECK(next(1h) == 1);
  });
}

TEST_CASE("select waits for connections and for streams among other things") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    auto [tx, rx] = channel<int>(1);
    const auto [client, server] = connected(listener);
    const auto next = [&, &rx = rx, &server = server](bool look_at_server, deadline limit) -> std::string {
      tcp_stream got;
      std::string what =
          select(net::on_accept(listener,
                                [&](recv_result<tcp_stream> r) -> std::string {
                                  if (r) got = *std::move(r);
                                  return r.status() == recv_status::ok       ? "accepted"
                                         : r.status() == recv_status::closed ? "closed"
                                                                             : "empty";
                                }),
                 on_recv(rx, [](std::optional<int>) -> std::string { return "received"; }),
                 net::on_readable(server, []() -> std::string { return "readable"; }).when(look_at_server),
                 after(limit, []() -> std::string { return "time"; }));
      if (got) EXPECT(got.write_all("welcome"));
      return what;
    };
    CHECK(next(true, 2ms) == "time");
    {
      const raw_socket waits = raw_socket::connected(listener.port());
      CHECK(next(true, 1h) == "accepted");
      CHECK(waits.receive_all() == "welcome");
    }
    with_scope([&, &client = client, &server = server, &tx = tx](scope& s) {
      s.spawn([&] {
        this_actor::sleep(1ms);
        EXPECT(client.write_all("a"));
      });
      CHECK(next(true, 1h) == "readable");
      char part[10];
      CHECK(server.read_some(part).bytes == 1);
      s.spawn([&] {
        this_actor::sleep(1ms);
        EXPECT(tx.send(1));
      });
      CHECK(next(true, 1h) == "received");
      s.spawn([&] {
        this_actor::sleep(1ms);
        EXPECT(rest_of(tcp_connect(listener.at())) == "welcome");
      });
      CHECK(next(true, 1h) == "accepted");
      s.spawn([&] {
        this_actor::sleep(1ms);
        EXPECT(client.shutdown());
      });
      CHECK(next(true, 1h) == "readable");  // the end
      CHECK(next(true, 1h) == "readable");  // is for ever
      s.spawn([&] {
        this_actor::sleep(1ms);
        listener.close();
      });
      CHECK(next(false, 1h) == "closed");
      CHECK(next(false, 1h) == "closed");
    });
  });
}

TEST_CASE("a stream is writable while there is room, and a close ends a select on it") {
  in_actor([] {
    // A Unix socket: with TCP the kernel finds room for more as long as it likes.
    const net::local_listener listener(testing::fresh_local_name());
    const auto client = net::local_connect(listener.name());
    const auto server = *listener.accept();
    const auto writable = [&](deadline limit) {
      return select(net::on_writable(server, [] { return true; }), after(limit, [] { return false; }));
    };
    const auto fill_up = [&] {
      const std::string much(10'000, 'x');
      std::size_t went = 0;
      while (const auto r = server.write_some(much, -1s)) went += r.bytes;
      return went;
    };
    CHECK(writable(1h));
    std::vector<char> all(fill_up());
    CHECK_FALSE(writable(2ms));
    with_scope([&](scope& s) {
      s.spawn([&] {
        this_actor::sleep(1ms);
        EXPECT(client.read_exactly(all));
      });
      CHECK(writable(1h));
    });
    fill_up();
    with_scope([&](scope& s) {
      s.spawn([&] {
        this_actor::sleep(1ms);
        server.close();
      });
      CHECK(writable(1h));
      CHECK(server.write_some("x").status == io_status::closed);
    });
  });
}

#if !defined(WEIR_ASAN)  // its checks need a pipe to look at a vptr, and here there is none
TEST_CASE("without descriptors a select on a listener pauses, serves its other cases, and hears of a close") {
  in_actor([] {
    rlimit old{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
    rlimit few = old;
    few.rlim_cur = 3;
    const tcp_listener listener("127.0.0.1:0");
    const raw_socket waits = raw_socket::connected(listener.port());
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    const auto next = [&](deadline limit) {
      return select(
          net::on_accept(listener,
                         [](recv_result<tcp_stream> r) {
                           return r.status() == recv_status::ok ? 1 : r.status() == recv_status::closed ? 2 : 3;
                         }),
          after(limit, [] { return 4; }));
    };
    const auto begun = std::chrono::steady_clock::now();
    while (listener.statistics().starved < 5) CHECK(next(30ms) == 4);
    // 1, 2, 4, ... 100 ms for each select, which begins anew.
    CHECK(listener.statistics().starved <
          static_cast<std::uint64_t>(50 + (std::chrono::steady_clock::now() - begun) / 5ms));
    with_scope([&](scope& s) {
      s.spawn([&] {
        this_actor::sleep(2ms);
        EXPECT(setrlimit(RLIMIT_NOFILE, &old) == 0);
      });
      CHECK(next(1h) == 1);
      const raw_socket another = raw_socket::connected(listener.port());
      EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
      s.spawn([&] {
        this_actor::sleep(2ms);
        listener.close();
      });
      CHECK(next(1h) == 2);
    });
    REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
  });
}
#endif
