// Endpoints that are lost, or cannot be had: by many at once, with the smallest queues, and without descriptors.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "tests/net/socket/raw_peer.h"
#include "tests/net/socket/sockets.h"
#include "tests/net/zmtp/wire.h"
#include "tests/testing.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/push_pull.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::message;
using net::peer_event_kind;
using net::pub_socket;
using net::pull_socket;
using net::push_socket;
using net::sub_socket;
using testing::await;
using testing::eventually;
using testing::in_actor;
using testing::long_enough;
using testing::number_of;
using testing::numbered;
using testing::open_descriptors;
using testing::patient;

TEST_CASE("clients whose listener comes and goes all come back, and no descriptor is left over") {
  in_actor([] {
    const std::size_t clients = 20;
    const std::string at = testing::fresh_ipc();
    std::vector<push_socket> all;
    for (std::size_t i = 0; i < clients; ++i) all.emplace_back(patient({.connect = at}));
    std::size_t before = 0;
    for (int round = 0; round < testing::rounds(20); ++round) {
      pull_socket in(patient({.bind = at}));
      // Every other time it goes when some are in the middle of their handshakes.
      REQUIRE(in.wait_peers(round % 2 == 0 ? clients : clients / 2, long_enough));
      if (round == 0) before = open_descriptors();
    }
    pull_socket in(patient({.bind = at}));
    REQUIRE(in.wait_peers(clients, long_enough));
    eventually([&] { return open_descriptors() <= before; });
    for (std::size_t i = 0; i < clients; ++i) CHECK(all[i].send(numbered(static_cast<int>(i))));
    std::set<int> came;
    for (std::size_t i = 0; i < clients; ++i) came.insert(number_of(*in.recv()));
    CHECK(came.size() == clients);
    CHECK(in.statistics().peers == clients);
  });
}

TEST_CASE(
    "with the smallest queues a thousand topics are said again to a publisher that comes back, and all are heard") {
  in_actor([] {
    net::endpoint_list topics;
    for (int i = 0; i < 1000; ++i) topics.push_back(std::to_string(i) + ";");
    const std::string at = testing::fresh_ipc();
    const sub_socket sub(patient({.connect = at, .send_high_water = 1, .receive_high_water = 1, .subscribe = topics}));
    for (int life = 0; life < 3; ++life) {
      const pub_socket pub(
          patient({.bind = at, .send_high_water = 1, .receive_high_water = 1, .slow = net::slow_subscriber::block}));
      for (const std::string& t : topics) REQUIRE(pub.wait_subscribers(1, t, long_enough));
      with_scope([&](scope& s) {
        s.spawn("publisher", [&] {
          for (const std::string& t : topics) EXPECT(pub.send(message(t)));
        });
        std::size_t heard = 0;
        for (const std::string& t : topics) heard += sub.recv()->text() == t;
        CHECK(heard == topics.size());
      });
      CHECK(pub.peers()[0].subscriptions == topics.size());
    }
  });
}

#if !defined(WEIR_ASAN)  // its checks need a pipe to look at a vptr, and here there is none
TEST_CASE("without descriptors nobody comes in and nobody connects, who is there goes on, and then all come") {
  in_actor([] {
    pull_socket in(patient({.bind = "tcp://127.0.0.1:*"}));
    const std::string at = in.last_endpoint();
    push_socket there(patient({.connect = at})), late(patient());
    const auto events = late.events();
    CHECK(there.send(message("there")));
    CHECK(in.recv()->text() == "there");
    const auto waits = testing::raw_socket::bound();
    rlimit old{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
    rlimit few = old;
    few.rlim_cur = 3;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);

    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(testing::port_of(at));
    CHECK(connect(waits.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    waits.send_all(wire::greeting() + wire::ready("PUSH") + wire::frame(0, "waits"));
    late.connect(at);
    for (int i = 0; i < 20; ++i) {
      CHECK(await(events, peer_event_kind::connect_failed).reason.find("EMFILE") != std::string::npos);
      CHECK(there.send(numbered(i)));
      CHECK(number_of(*in.recv()) == i);
    }
    CHECK(in.statistics().connected == 1);

    REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
    CHECK(late.send(message("late")));
    std::set<std::string> came;
    for (int i = 0; i < 2; ++i) came.insert(std::string(in.recv()->text()));
    CHECK(came == std::set<std::string>{"late", "waits"});
    CHECK(in.statistics().connected == 3);
  });
}
#endif

TEST_CASE("a try to connect has its time, and the next one follows") {
  in_actor([] {
    const testing::black_hole hole;
    push_socket out({.linger = 0ns, .reconnect = 1ms, .connect_time = 10ms});
    const auto events = out.events();
    const auto begun = std::chrono::steady_clock::now();
    out.connect("tcp://127.0.0.1:" + std::to_string(hole.port()));
    for (int i = 0; i < 3; ++i)
      CHECK(await(events, peer_event_kind::connect_failed).reason.find("deadline") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - begun >= 30ms);
    CHECK(out.statistics().connects_failed >= 3);
  });
}

namespace {

// How long so many tries take, to an endpoint that nobody has bound: one pause less than tries.
std::chrono::nanoseconds time_of_tries(int count, net::socket_options o) {
  push_socket out(std::move(o));
  const auto events = out.events();
  const auto begun = std::chrono::steady_clock::now();
  out.connect(testing::fresh_ipc());
  for (int i = 0; i < count; ++i)
    CHECK(await(events, peer_event_kind::connect_failed).reason.find("ECONNREFUSED") != std::string::npos);
  return std::chrono::steady_clock::now() - begun;
}

}  // namespace

TEST_CASE("the pause between tries to connect doubles up to reconnect_most") {
  in_actor([] {
    // 1 + 2 + ... + 128 ms, and what comes on top at random.
    CHECK(time_of_tries(9, {.linger = 0ns, .reconnect = 1ms, .reconnect_most = 1h}) >= 255ms);
    // Doubled each time the last of these would be of 17 minutes.
    CHECK(time_of_tries(21, {.linger = 0ns, .reconnect = 1ms, .reconnect_most = 2ms}) >= 1ms + 19 * 2ms);
  });
}

TEST_CASE("to each pause between tries to connect comes up to as much again, at random") {
  in_actor([] {
    const auto of_eleven = [] { return time_of_tries(11, {.linger = 0ns, .reconnect = 20ms}); };
    auto time = of_eleven();
    // Ten times nothing, or nearly so, does not come by chance: once in 10! times.
    CHECK(time >= 10 * 20ms + 20ms);
    // A busy machine adds to it: the upper bound is for when it does not.
    while (time >= 10 * 40ms) time = of_eleven();
  });
}
