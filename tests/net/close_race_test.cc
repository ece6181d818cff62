// Closes against reads, writes and accepts on other workers. Every byte carries its stream's id (bytes.h): one that
// reached another stream, because a descriptor's number was used again too early, would be seen.
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "tests/net/bytes.h"
#include "tests/net/raw_socket.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/tcp.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::tcp_connect;
using net::tcp_listener;
using net::tcp_stream;

namespace {

// What a connection begins with: whose it is.
using greeting = std::array<char, 8>;

greeting greeting_of(std::uint64_t id) noexcept {
  greeting g;
  for (std::size_t i = 0; i < g.size(); ++i) g[i] = static_cast<char>(id >> (8 * i));
  return g;
}
std::uint64_t id_in(const greeting& g) noexcept {
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < g.size(); ++i) id |= std::uint64_t{static_cast<unsigned char>(g[i])} << (8 * i);
  return id;
}

void write_until_it_ends(const tcp_stream& to, std::uint64_t id) {
  std::array<char, 3000> part;
  for (std::uint64_t at = 0;;) {
    testing::fill(part, id, at);
    const auto r = to.write_all(part);
    at += r.bytes;
    if (!r) return;
  }
}
void read_until_it_ends(const tcp_stream& from, std::uint64_t id) {
  std::array<char, 2000> part;
  for (std::uint64_t at = 0;;) {
    const auto r = from.read_some(part);
    EXPECT(testing::are_bytes_of({part.data(), r.bytes}, id, at));
    at += r.bytes;
    if (!r) return;
  }
}

// Both directions of one connection, each by an actor of its own, until somebody closes it.
void talk(const tcp_stream& s, std::uint64_t out, std::uint64_t in) {
  with_scope([&](scope& both) {
    both.spawn("writer", [&] { write_until_it_ends(s, out); });
    read_until_it_ends(s, in);
    s.close();
  });
}

void serve(const tcp_listener& listener, scope& connections) {
  for (auto& conn : listener)
    connections.spawn("conn", [c = std::move(conn)] {
      greeting g;
      if (!c.read_exactly(g)) return;
      talk(c, 2 * id_in(g) + 1, 2 * id_in(g));
    });
}

// One connection, that one of the two ends closes at some moment.
void visit(const tcp_listener& listener, std::uint64_t id) {
  std::mt19937 random(static_cast<unsigned>(id * 2654435761U + Catch::rngSeed()));
  const tcp_stream c = tcp_connect(listener.at());
  const auto moment = std::chrono::microseconds(random() % 400);
  const bool by_reset = random() % 4 == 0;
  with_scope([&](scope& s) {
    s.spawn("closer", [&] {
      if (moment > 100us) this_actor::sleep(moment);
      by_reset ? c.abort() : c.close();
    });
    if (!c.write_all(greeting_of(id))) return;
    talk(c, 2 * id, 2 * id + 1);
  });
}

}  // namespace

TEST_CASE("closes at random moments against reads and writes on other workers: no byte reaches another stream") {
  testing::in_actor([] {
    const tcp_listener listener("127.0.0.1:0", {.connections = {.send_buffer = 8192, .receive_buffer = 8192}});
    const int rounds = testing::rounds(1000);
    const std::size_t before = testing::open_descriptors();
    with_scope([&](scope& s) {
      s.spawn("server", [&] { with_scope([&](scope& connections) { serve(listener, connections); }); });
      std::atomic<int> next{0};
      with_scope([&](scope& clients) {
        for (int i = 0; i < 8; ++i)
          clients.spawn("client", [&] {
            for (int id; (id = next++) < rounds;) visit(listener, static_cast<std::uint64_t>(id));
          });
      });
      listener.close();
    });
    CHECK(testing::open_descriptors() == before - 1);  // the listener's
  });
}

TEST_CASE(
    "closes of the listener against accepts on other workers: all actors end, and each connection is served or reset") {
  testing::in_actor([] {
    const std::size_t before = testing::open_descriptors();
    for (int round = 0; round < testing::rounds(300); ++round) {
      const tcp_listener listener("127.0.0.1:0");
      std::atomic<int> served{0}, got{0};
      with_scope([&](scope& s) {
        for (int i = 0; i < 3; ++i)
          s.spawn("acceptor", [&] {
            for (auto& conn : listener)
              if (conn.write_all("x")) ++served;
          });
        for (int i = 0; i < 3; ++i)
          s.spawn("client", [&] {
            try {
              char x[1];
              const tcp_stream c = tcp_connect(listener.at());
              // Of a connection that its listener's close meets in the middle of the handshake the kernel may forget
              // the other end without a word: a read alone would wait for ever, and what is written is answered.
              (void)c.write_all("?");
              if (c.read_exactly(x)) ++got;
            } catch (const net::error& e) {
              EXPECT(e.refused() || e.reset());
            }
          });
        if (round % 2) this_actor::yield();
        if (round % 3 == 0) this_actor::sleep(50us);
        listener.close();
      });
      REQUIRE(got <= served);
    }
    CHECK(testing::open_descriptors() == before);
  });
}

TEST_CASE("two actors that close one stream at once close it once") {
  testing::in_actor([] {
    const tcp_listener listener("127.0.0.1:0");
    const std::size_t before = testing::open_descriptors();
    for (int round = 0; round < testing::rounds(500); ++round) {
      const tcp_stream client = tcp_connect(listener.at());
      const tcp_stream server = *listener.accept();
      with_scope([&](scope& s) {
        s.spawn([&] { server.close(); });
        s.spawn([&] { server.close(); });
        s.spawn([&] {
          char x[1];
          EXPECT(server.read_some(x).status == io_status::closed);
        });
        s.spawn([&] {
          const auto r = server.write_all("x");
          EXPECT(r || r.status == io_status::closed);
        });
      });
    }
    CHECK(testing::open_descriptors() == before);
  });
}
