// Peers that break the rules, or say nothing: each costs itself its connection, and nobody else anything.
#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/net/zmtp/wire.h"
#include "tests/testing.h"
#include "weir/net/message.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/peer_event.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/push_pull.h"
#include "weir/net/tcp.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace weir::net;
using testing::eventually;
using testing::in_actor;

namespace {

// A connection that speaks ZMTP by hand.
class intruder {
 public:
  explicit intruder(std::string_view endpoint) : stream_(tcp_connect(endpoint.substr(6), 60s)) {}

  // False: the other side has ended it.
  bool send(std::string_view bytes) const { return stream_.write_all(bytes, 60s).status == io_status::ok; }
  // Up to the end of the handshake.
  void shake(std::string_view type) const {
    CHECK(send(wire::greeting() + wire::ready(type)));
    std::string greeting(64, '\0'), header(2, '\0');
    CHECK(stream_.read_exactly(greeting).status == io_status::ok);
    CHECK(stream_.read_exactly(header).status == io_status::ok);
    std::string body(static_cast<unsigned char>(header[1]), '\0');
    CHECK(stream_.read_exactly(body).status == io_status::ok);
    CHECK(body.starts_with("\5READY"));
  }
  // Parks until the other side has ended it.
  void wait_for_end() const {
    char part[4096];
    while (stream_.read_some(part)) {
    }
  }
  // Parks until something has come; takes one octet of it.
  void wait_for_octet() const {
    char octet;
    CHECK(stream_.read_exactly({&octet, 1}).status == io_status::ok);
  }
  void abort() const { stream_.abort(); }
  void close() const { stream_.close(); }

 private:
  tcp_stream stream_;
};

// One that keeps the rules is served as if nothing were.
void serves_others(const pull_socket& s) {
  push_socket good({.connect = s.last_endpoint(), .handshake_time = 1h});
  CHECK(good.send(message("good")));
  CHECK(s.recv()->text() == "good");
  CHECK(good.close(60s).unsent == 0);
}

// As many descriptors as this process may have, at least `wanted`.
bool have_descriptors(rlim_t wanted) {
  rlimit most{};
  getrlimit(RLIMIT_NOFILE, &most);
  most.rlim_cur = std::max(most.rlim_cur, std::min<rlim_t>(most.rlim_max, wanted));
  return setrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur >= wanted;
}

}  // namespace

TEST_CASE("a thousand peers that say nothing do not keep a good one out") {
  const std::size_t silent = have_descriptors(2000) ? 1000 : 200, kept = 100;
  in_actor([&] {
    const pull_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 1h, .unauthenticated = kept});
    std::vector<intruder> peers;
    for (std::size_t i = 0; i < silent; ++i) peers.emplace_back(s.last_endpoint());
    eventually([&] { return s.statistics().crowded_out == silent - kept; });
    serves_others(s);
    CHECK(s.statistics().connected == 1);
  });
}

TEST_CASE("a handshake has its time, however slowly its octets come") {
  in_actor([] {
    pull_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 50ms});
    const auto events = s.events();
    const intruder silent(s.last_endpoint());
    silent.wait_for_end();
    CHECK(events.recv()->kind == peer_event_kind::handshake_failed);
    const intruder slow(s.last_endpoint());
    for (const char c : wire::greeting()) {
      if (!slow.send({&c, 1})) break;
      weir::this_actor::sleep(5ms);
    }
    slow.wait_for_end();
    const auto failed = events.recv();
    CHECK(failed->kind == peer_event_kind::handshake_failed);
    CHECK_FALSE(failed->reason.empty());
    CHECK(s.statistics().handshakes_failed == 2);
    CHECK(s.statistics().connected == 0);
  });
}

TEST_CASE("handshakes that end anywhere are counted as failed") {
  in_actor([] {
    const pull_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 1h});
    const std::string all = wire::greeting() + wire::ready("PUSH");
    for (std::size_t n = 0; n < all.size(); ++n) {
      const intruder peer(s.last_endpoint());
      CHECK(peer.send(std::string_view(all).substr(0, n)));
      if (n % 2 == 0)
        peer.abort();
      else
        peer.close();
    }
    eventually([&] { return s.statistics().handshakes_failed == all.size(); });
    serves_others(s);
    CHECK(s.statistics().connected == 1);
  });
}

TEST_CASE("a peer that breaks a rule loses its connection, and it is told which rule") {
  const std::string bombs[] = {
      "\2"s + wire::number(~std::uint64_t{0} >> 1, 8),                                    // 2^63 - 1 octets
      "\2"s + wire::number(~std::uint64_t{0}, 8),                                         // 2^64 - 1
      "\2"s + wire::number(~std::uint64_t{0} - 8, 8),                                     // around the end of memory
      "\2"s + wire::number((1 << 20) + 1, 8),                                             // more than the limit
      wire::long_frame(1, std::string(1 << 19, 'x')) + "\2"s + wire::number(1 << 20, 8),  // in two frames
      "\x18\1x"s,                                                                         // reserved flags
      "\5\7\4PING\0\0"s,                                                                  // a command with MORE
      wire::command("PING"),
      wire::command("PING", "\0"s),
      wire::command("PING", "\0\0"s + std::string(17, 'c')),
      wire::ready("PUSH"),  // again
      wire::command("HELLO", wire::with_length("user") + wire::with_length("password")),
      "\4\0"s,  // a command without a name
      wire::frame(0, "not") + "\4\5\4P"s,
  };
  in_actor([&] {
    pull_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 1h, .limits = {.message = 1 << 20}});
    const auto events = s.events();
    std::uint64_t broken = 0;
    for (const std::string& bomb : bombs) {
      INFO(printable(bomb.substr(0, 100)));
      const intruder peer(s.last_endpoint());
      peer.shake("PUSH");
      CHECK(events.recv()->kind == peer_event_kind::up);
      peer.send(bomb);
      if (bomb.starts_with(wire::frame(0, "not"))) {  // cut, not wrong
        peer.close();
        CHECK(s.recv()->text() == "not");
      } else {
        peer.wait_for_end();
      }
      const auto down = events.recv();
      CHECK(down->kind == peer_event_kind::down);
      CHECK_FALSE(down->reason.empty());
      ++broken;
      eventually([&] { return s.statistics().disconnected == broken; });
    }
    CHECK(s.statistics().unread == 0);
    serves_others(s);
  });
}

TEST_CASE("what came whole before a violation is delivered, even in the same packet and beyond the high water") {
  in_actor([] {
    pull_socket s({.bind = "tcp://127.0.0.1:*", .receive_high_water = 2, .handshake_time = 1h});
    const auto events = s.events();
    const intruder peer(s.last_endpoint());
    peer.shake("PUSH");
    CHECK(events.recv()->kind == peer_event_kind::up);
    std::string all;
    for (const char* text : {"1", "2", "3", "4", "5"}) all += wire::frame(0, text);
    CHECK(peer.send(all + "\x18\1x"s + wire::frame(0, "behind it")));
    for (const char* text : {"1", "2", "3", "4", "5"}) {
      const auto m = s.recv(60s);
      REQUIRE(m);
      CHECK(m->text() == text);
    }
    peer.wait_for_end();
    const auto down = events.recv();
    CHECK(down->kind == peer_event_kind::down);
    CHECK_FALSE(down->reason.empty());
    CHECK(s.statistics().received == 5);
    CHECK(s.statistics().unread == 0);
    serves_others(s);
  });
}

TEST_CASE("a peer of a type that does not fit never comes up") {
  in_actor([] {
    pull_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 1h});
    const auto events = s.events();
    const intruder peer(s.last_endpoint());
    CHECK(peer.send(wire::greeting() + wire::ready("SUB")));
    peer.wait_for_end();
    const auto failed = events.recv();
    CHECK(failed->kind == peer_event_kind::handshake_failed);
    CHECK(failed->reason.find("SUB") != std::string::npos);
    serves_others(s);
  });
}

TEST_CASE("peers that send PING and read no answer keep nobody else waiting") {
  in_actor([] {
    dealer_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 1h});
    std::vector<intruder> peers;
    for (int i = 0; i < 3; ++i) peers.emplace_back(s.last_endpoint()).shake("DEALER");
    CHECK(s.wait_peers(3));
    // Each gets more than the kernel keeps for one that does not read: so the answers find a writer that is blocked.
    for (int i = 0; i < 3; ++i) CHECK(s.send(message(std::string(16 << 20, 'x'))));
    for (const intruder& p : peers) p.wait_for_octet();
    std::string pings;
    for (int i = 0; i < 100; ++i) pings += wire::command("PING", "\0\0context"s);
    for (int round = 0; round < testing::rounds(100); ++round)
      for (const intruder& p : peers) CHECK(p.send(pings));
    dealer_socket good({.connect = s.last_endpoint(), .handshake_time = 1h});
    CHECK(good.send(message("good")));
    CHECK(s.recv()->text() == "good");
    CHECK(s.statistics().sent == 0);
    CHECK(s.statistics().unsent == 3);
    s.close(0ns);
  });
}

TEST_CASE("messages that are cut off never reach the program, and leave nothing behind") {
  in_actor([] {
    const pull_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 1h});
    const auto cut = static_cast<std::uint64_t>(testing::rounds(200));
    for (std::uint64_t i = 0; i < cut; ++i) {
      const intruder peer(s.last_endpoint());
      peer.shake("PUSH");
      CHECK(peer.send(wire::frame(1, std::string(i % 7 * 1000, 'x')) + wire::frame(1, "y") + "\0\xFFhalf"s));
      if (i % 2 == 0)
        peer.abort();
      else
        peer.close();
    }
    eventually([&] { return s.statistics().disconnected == cut; });
    CHECK(s.statistics().unread == 0);
    serves_others(s);
  });
}

TEST_CASE("topics come and go however deep they are, and those that are too long end the connection") {
  in_actor([] {
    const xpub_socket s({.bind = "tcp://127.0.0.1:*", .handshake_time = 1h});
    const std::string longest(64 * 1024, 'x');
    {
      const intruder peer(s.last_endpoint());
      peer.shake("SUB");
      for (std::size_t size = longest.size(); size > 1000; size = size * 2 / 3) {
        const std::string topic = longest.substr(0, size);
        CHECK(peer.send(wire::command("SUBSCRIBE", topic)));
        CHECK((s.recv()->text() == "\1" + topic));
      }
      CHECK(peer.send(wire::command("CANCEL", longest)));
      CHECK((s.recv()->text() == "\0"s + longest));
      CHECK(peer.send(wire::command("SUBSCRIBE", longest + 'x')));
      peer.wait_for_end();
    }
    // What it still wanted, it wants no more.
    for (std::size_t size = longest.size() * 2 / 3; size > 1000; size = size * 2 / 3)
      CHECK(s.recv()->text()[0] == '\0');
    CHECK_FALSE(s.try_recv());
  });
}
