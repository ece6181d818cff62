#include "weir/net/tcp.h"

#include <netinet/tcp.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/bytes.h"
#include "tests/net/raw_socket.h"
#include "tests/net/tcp_pair.h"
#include "tests/net/text_of.h"
#include "tests/testing.h"
#include "weir/net/endpoint.h"
#include "weir/net/error.h"
#include "weir/net/internal/fd_stream.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::tcp_connect;
using net::tcp_listener;
using net::tcp_stream;
using testing::connected;
using testing::in_actor;
using testing::loopback;
using testing::raw_socket;
using testing::rest_of;

namespace {

int option_of(const tcp_stream& s, int level, int option) {
  const weir::internal::descriptor::loan use(static_cast<net::internal::fd_stream&>(s.core("test", {})).fd());
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT(use && getsockopt(use.fd(), level, option, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("an echo server serves a hundred clients at once") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        with_scope([&](scope& connections) {
          for (auto& conn : listener)
            connections.spawn("conn", [c = std::move(conn)] {
              char part[300];
              while (const auto r = c.read_some(part)) EXPECT(c.write_all({part, r.bytes}));
            });
        });
      });
      with_scope([&](scope& clients) {
        for (std::uint64_t id = 0; id < 100; ++id)
          clients.spawn("client", [&, id] {
            const tcp_stream c = tcp_connect(listener.at());
            EXPECT(c.peer() == listener.at());
            for (std::uint64_t at = 0; at < 4000; at += 200) {
              EXPECT(c.write_all(testing::bytes_of(id, at, 200)));
              std::array<char, 200> back{};
              EXPECT(c.read_exactly(back));
              EXPECT(testing::are_bytes_of({back.data(), back.size()}, id, at));
            }
            EXPECT(c.shutdown());
            EXPECT(rest_of(c).empty());
          });
      });
      listener.close();
    });
    CHECK(listener.statistics().accepted == 100);
    CHECK(listener.statistics().starved == 0);
  });
}

TEST_CASE("each connection goes to one of several actors that accept, and close ends them all") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    std::atomic<int> accepted{0}, ended{0};
    with_scope([&](scope& s) {
      for (int i = 0; i < 5; ++i)
        s.spawn("acceptor", [&] {
          for (auto& conn : listener) {
            ++accepted;
            EXPECT(conn.write_all("x"));
          }
          ++ended;
        });
      for (int i = 0; i < 200; ++i) CHECK(rest_of(tcp_connect(listener.at())) == "x");
      CHECK(ended == 0);
      listener.close();
    });
    CHECK(accepted == 200);
    CHECK(ended == 5);
    CHECK_FALSE(listener.accept());
    CHECK(listener.accept(1ms).status() == recv_status::closed);
  });
}

TEST_CASE("accept ends at its deadline, and with somebody there an expired one succeeds") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    CHECK(listener.accept(2ms).status() == recv_status::timeout);
    CHECK(listener.accept(-1s).status() == recv_status::timeout);
    const tcp_stream client = tcp_connect(listener.at());
    // As soon as the kernel has it here: it delivers to itself at once, but for a machine that is busy.
    testing::eventually([&] { return bool(listener.accept(-1s)); });
    CHECK_FALSE(within(1ms, [&] { (void)listener.accept(); }));
  });
}

TEST_CASE("a read waits for bytes, at most until its deadline, and a cancel or a close ends it") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    const auto [client, server] = connected(listener);
    char part[100];
    CHECK(server.read_some(part, 2ms).status == io_status::timeout);
    CHECK_FALSE(within(1ms, [&, &server = server] { (void)server.read_some(part); }));
    with_scope([&, &client = client, &server = server](scope& s) {
      s.spawn([&] {
        this_actor::sleep(1ms);
        EXPECT(client.write_all("hello"));
      });
      const auto r = server.read_some(part);
      CHECK(std::string(part, r.bytes) == "hello");
      s.spawn([&] {
        this_actor::sleep(1ms);
        server.close();
      });
      CHECK(server.read_some(part).status == io_status::closed);
    });
    CHECK(server.write_all("x").status == io_status::closed);
    CHECK(server.shutdown().status == io_status::closed);
    CHECK(rest_of(client).empty());
  });
}

TEST_CASE("a read whose time is over still gets what the kernel has") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    const raw_socket peer = raw_socket::connected(listener.port());
    const tcp_stream server = *listener.accept();
    char part[10];
    int at_once = 0;
    for (int i = 0; i < 100; ++i) {
      CHECK(server.read_some(part, -1s).status == io_status::timeout);
      peer.send_all("now");  // blocks the worker, which therefore hears of nothing
      std::size_t got = server.read_some(part, -1s).bytes;
      at_once += got == 3;
      // The kernel delivers to itself at once, but for a machine that is busy.
      while (got < 3) got += server.read_some(std::span(part).subspan(got), -1s).bytes, this_actor::yield();
      CHECK(got == 3);
    }
    CHECK(at_once > 0);
  });
}

TEST_CASE("a write waits for room, and what it says went is what the peer reads") {
  in_actor([] {
    tcp_listener listener("127.0.0.1:0", {.connections = {.send_buffer = 4096, .receive_buffer = 4096}});
    const std::string much = testing::bytes_of(7, 0, 8'000'000);
    for (const bool by_cancel : {false, true}) {
      auto [client, server] = connected(listener);
      std::size_t went = 0;
      if (by_cancel) {
        CHECK_FALSE(within(5ms, [&, &server = server] { (void)server.write_all(much); }));
        went = server.bytes_written();
      } else {
        const auto r = server.write_all(much, 5ms);
        CHECK(r.status == io_status::timeout);
        went = r.bytes;
        CHECK(server.bytes_written() == went);
      }
      if (!by_cancel) CHECK(went > 0);  // a cancel may come before the first try
      CHECK(went < much.size());
      CHECK(server.shutdown());
      const std::string got = rest_of(client);
      CHECK(got.size() == went);
      CHECK(testing::are_bytes_of(got, 7, 0));
    }
  });
}

TEST_CASE("much goes both ways at once, in pieces of all sizes, with small buffers in the kernel") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0", {.connections = {.send_buffer = 4096, .receive_buffer = 4096}});
    const auto [client, server] = connected(listener);
    constexpr std::uint64_t total = 3'000'000;
    with_scope([&, &client = client, &server = server](scope& s) {
      const auto send = [&](const tcp_stream& to, std::uint64_t id) {
        std::mt19937 random(static_cast<unsigned>(id));
        for (std::uint64_t at = 0; at < total;) {
          const auto n = std::min<std::uint64_t>(random() % 70'000, total - at);
          const std::string part = testing::bytes_of(id, at, n);
          EXPECT(to.write_all({std::string_view(part).substr(0, n / 2), std::string_view(part).substr(n / 2)}));
          at += n;
        }
        EXPECT(to.shutdown());
      };
      const auto receive = [&](const tcp_stream& from, std::uint64_t id) {
        std::mt19937 random(static_cast<unsigned>(id));
        std::vector<char> part(50'000);
        std::uint64_t at = 0;
        for (;;) {
          const auto r = from.read_some(std::span(part).first(1 + random() % part.size()));
          EXPECT(testing::are_bytes_of({part.data(), r.bytes}, id, at));
          at += r.bytes;
          if (!r) break;
        }
        EXPECT(at == total);
      };
      s.spawn([&] { send(client, 1); });
      s.spawn([&] { send(server, 2); });
      s.spawn([&] { receive(server, 1); });
      s.spawn([&] { receive(client, 2); });
    });
  });
}

TEST_CASE("a half that is ended leaves the other one as it was") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    const auto [client, server] = connected(listener);
    CHECK(client.write_all("question"));
    CHECK(client.shutdown());
    CHECK(client.shutdown());
    CHECK(client.write_all("more").status == io_status::closed);
    CHECK(rest_of(server) == "question");
    CHECK(server.write_all("answer"));
    CHECK(server.shutdown());
    CHECK(rest_of(client) == "answer");
  });
}

TEST_CASE("a reset is a reset for every later call, and no end") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    raw_socket peer = raw_socket::connected(listener.port());
    const tcp_stream server = *listener.accept();
    peer.send_all("torn");
    char part[4];
    CHECK(server.read_exactly(part));
    peer.reset();
    for (int i = 0; i < 3; ++i) {
      const auto r = server.read_some(part);
      CHECK(r.status == io_status::reset);
      CHECK(r.code == ECONNRESET);
      CHECK(server.write_all("x").status == io_status::reset);
    }
    CHECK_THROWS_WITH(
        server.expect("read", server.read_some(part)),
        Catch::StartsWith("read tcp://127.0.0.1:") && Catch::EndsWith("connection reset by peer (ECONNRESET)"));
    server.close();
    CHECK(server.read_some(part).status == io_status::closed);
  });
}

TEST_CASE("a connection that is reset as soon as it stands is reset, whatever connect was doing just then") {
  in_actor([] {
    const raw_socket listening = raw_socket::listening(16);
    const std::uint16_t port = listening.port();
    std::thread server([&] {
      const linger none{1, 0};
      for (int fd; (fd = accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0; close(fd))
        EXPECT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
    });
    int other = 0;
    std::string what;
    for (int i = 0; i < testing::rounds(20'000); ++i) {
      try {
        const tcp_stream s = tcp_connect(loopback(port));
        char part[1];
        other += s.read_some(part).status != io_status::reset;
      } catch (const net::error& e) {
        if (e.reset()) continue;
        ++other;
        what = e.what();
      }
    }
    shutdown(listening.fd(), SHUT_RDWR);
    server.join();
    CHECK(other == 0);
    CHECK(what == "");
  });
}

TEST_CASE("what came before a reset is read, though a write was told of it first") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    raw_socket peer = raw_socket::connected(listener.port());
    const tcp_stream server = *listener.accept();
    const std::string sent(20'000, 'x');
    peer.send_all(sent);
    testing::eventually([&] { return peer.arrived(); });
    peer.reset();
    testing::eventually([&] { return server.write_all("x").status == io_status::reset; });
    std::string part(sent.size() / 2, ' ');
    for (int i = 0; i < 2; ++i) {
      CHECK(server.read_exactly(part));
      CHECK(server.write_all("x").status == io_status::reset);
    }
    for (int i = 0; i < 3; ++i) {
      const auto r = server.read_some(part);
      CHECK(r.status == io_status::reset);
      CHECK(r.code == ECONNRESET);
    }
  });
}

TEST_CASE("a reset wakes a reader and a writer, and abort sends one") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0", {.connections = {.send_buffer = 4096}});
    const auto [client, server] = connected(listener);
    with_scope([&, &client = client, &server = server](scope& s) {
      s.spawn("reader", [&] {
        char part[4];
        EXPECT(server.read_some(part).status == io_status::reset);
      });
      s.spawn("writer", [&] { EXPECT(server.write_all(std::string(20'000'000, 'x')).status == io_status::reset); });
      this_actor::sleep(5ms);  // so that both wait; the outcome is the same if they do not
      client.abort();
    });
    CHECK(client.write_all("x").status == io_status::closed);
  });
}

TEST_CASE("a port in use and a name that needs a look-up are refused with a sentence") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    CHECK_THROWS_WITH(tcp_listener(listener.at()), "bind " + listener.name() + ": address already in use (EADDRINUSE)");
    CHECK_THROWS_WITH(tcp_connect("localhost:80"),
                      "endpoint \"localhost:80\": expected an address in numbers (resolve a name first); found the "
                      "name \"localhost\" (column 1)");
    CHECK_THROWS_AS(tcp_connect("/run/x"), net::bad_endpoint);
    CHECK_THROWS_AS(tcp_listener("udp://127.0.0.1:0"), net::bad_endpoint);
    tcp_listener none;
    CHECK_THROWS_WITH(none.accept(), Catch::StartsWith("accept: the handle refers to a listener"));
  });
}

TEST_CASE("small writes go out at once unless asked otherwise, on both sides, and keep-alive is set as asked") {
  in_actor([] {
    const tcp_listener plain("127.0.0.1:0");
    const auto [client, server] = connected(plain);
    CHECK(option_of(client, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option_of(server, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option_of(server, SOL_SOCKET, SO_KEEPALIVE) == 0);
    server.no_delay(false);
    CHECK(option_of(server, IPPROTO_TCP, TCP_NODELAY) == 0);
    server.keep_alive(net::keep_alive_options{7s, 3s, 2});
    CHECK(option_of(server, IPPROTO_TCP, TCP_KEEPIDLE) == 7);
    server.keep_alive({});
    CHECK(option_of(server, SOL_SOCKET, SO_KEEPALIVE) == 0);

    const tcp_listener alive("127.0.0.1:0",
                             {.connections = {.no_delay = false, .keep_alive = net::keep_alive_options{}}});
    const tcp_stream other =
        tcp_connect(alive.at(), {}, {.stream = {.keep_alive = net::keep_alive_options{9s, 1s, 1}}});
    const tcp_stream accepted = *alive.accept();
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_NODELAY) == 0);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_KEEPINTVL) == 10);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_KEEPCNT) == 6);
    CHECK(option_of(other, IPPROTO_TCP, TCP_KEEPIDLE) == 9);
    CHECK(other.local() == accepted.peer());
    other.close();
    CHECK_THROWS_WITH(other.no_delay(true), Catch::EndsWith("closed by this side"));
    CHECK_THROWS_AS(other.local(), net::error);
  });
}

#if !defined(WEIR_ASAN)  // its checks need a pipe to look at a vptr, and here there is none
TEST_CASE("without descriptors accept counts and pauses, connections go on, and it accepts once there are some") {
  in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    const auto [client, server] = connected(listener);
    std::vector<raw_socket> waiting;
    for (int i = 0; i < 3; ++i) waiting.push_back(raw_socket::connected(listener.port()));
    rlimit old{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
    rlimit few = old;
    few.rlim_cur = 3;
    with_scope([&, &client = client, &server = server](scope& s) {
      REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
      auto acceptor = s.spawn("acceptor", [&] {
        for (int i = 0; i < 3; ++i) EXPECT(listener.accept()->write_all("late"));
      });
      const auto begun = std::chrono::steady_clock::now();
      for (int i = 0; i < 50; ++i) {  // those that are open are served meanwhile
        char part[2];
        CHECK(client.write_all("hi"));
        CHECK(server.read_exactly(part));
        this_actor::sleep(1ms);
      }
      testing::eventually([&] { return listener.statistics().starved > 0; });
      // 1, 2, 4, ... 100 ms: some 6 tries in 50 ms, and far fewer than a loop without pauses would make.
      CHECK(listener.statistics().starved <
            static_cast<std::uint64_t>(10 + (std::chrono::steady_clock::now() - begun) / 50ms));
      CHECK(listener.statistics().accepted == 1);
      REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
      acceptor.join();
    });
    for (const raw_socket& w : waiting) CHECK(w.receive_all() == "late");
  });
}
#endif

#if !defined(WEIR_ASAN)  // its checks need a pipe to look at a vptr, and here there is none
TEST_CASE("a close, a deadline and a cancel end the pause of an accept without descriptors") {
  in_actor([] {
    rlimit old{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
    rlimit few = old;
    few.rlim_cur = 3;
    const tcp_listener listener("127.0.0.1:0");
    const raw_socket waits = raw_socket::connected(listener.port());
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(listener.accept(3ms).status() == recv_status::timeout);
    CHECK_FALSE(within(3ms, [&] { (void)listener.accept(); }));
    with_scope([&](scope& s) {
      s.spawn([&] { EXPECT(!listener.accept()); });
      const auto before = listener.statistics().starved;
      testing::eventually([&] { return listener.statistics().starved > before; });
      listener.close();
    });
    REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
  });
}
#endif

TEST_CASE("plain threads connect, accept, read and write, and block") {
  const tcp_listener listener("127.0.0.1:0");
  std::thread server([&] {
    for (auto& conn : listener) EXPECT(conn.write_all(rest_of(conn)));
  });
  for (std::uint64_t id = 0; id < 5; ++id) {
    const tcp_stream c = tcp_connect(std::vector{loopback(testing::deserted_port()), listener.at()});
    CHECK(c.write_all(testing::bytes_of(id, 0, 10'000)));
    CHECK(c.shutdown());
    const std::string back = rest_of(c);
    CHECK(back.size() == 10'000);
    CHECK(testing::are_bytes_of(back, id, 0));
  }
  listener.close();
  server.join();
  testing::check_expectations();
}
