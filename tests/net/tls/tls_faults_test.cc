// What goes wrong on the way: ends, resets, stalls and damage at every place; cancels; tickets that nobody reads; and
// what a thousand handshakes leave behind.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/net/bytes.h"
#include "tests/net/raw_socket.h"
#include "tests/net/tls/certificates.h"
#include "tests/net/tls/tls_pair.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/memory_stream.h"
#include "weir/net/tcp.h"
#include "weir/net/tls/internal/context.h"
#include "weir/net/tls/internal/engine.h"
#include "weir/net/tls/tls_error.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using Catch::Contains;
using net::io_status;
using net::memory_pair;
using net::tls_errc;
using testing::certificates;
using testing::in_actor;
using testing::rest_of;
using testing::shake;
using testing::some;

namespace {

struct both_sides {
  net::tls_client client{certificates::get().client()};
  net::tls_server server{certificates::get().server()};
};

// How many bytes lie before each TLS record of `text`, and behind the last.
std::vector<std::size_t> borders_of(const std::string& text) {
  std::vector<std::size_t> borders{0};
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (std::size_t at = 0; at + 5 <= text.size(); borders.push_back(at))
    at += 5 + (std::size_t{byte(at + 3)} << 8 | byte(at + 4));
  REQUIRE(borders.back() == text.size());
  return borders;
}

std::size_t open_descriptors() {
  namespace fs = std::filesystem;
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("an end at any border of a record but the last is truncated and never an end") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    std::size_t count = 1;
    for (std::size_t cut = 0; cut < count; ++cut) {
      const auto m = testing::shake_through(sides.client, sides.server);
      for (const char* text : {"first ", "second ", "third"}) CHECK(m.client.write_all(text));
      CHECK(m.client.shutdown());
      const std::string said = some(m.to_client);
      const auto borders = borders_of(said);
      count = borders.size();
      REQUIRE(count == 5);
      // At the border, and within the record behind it.
      for (const std::size_t more : {0, 3, 10}) {
        const auto n = testing::shake_through(sides.client, sides.server);
        for (const char* text : {"first ", "second ", "third"}) CHECK(n.client.write_all(text));
        CHECK(n.client.shutdown());
        const std::string part = some(n.to_client).substr(0, borders[cut] + more);
        CHECK(n.to_server.write_all(part));
        CHECK(n.to_server.shutdown());
        const char* const expected[] = {"", "first ", "first second ", "first second third", "first second third"};
        io_status how{};
        CHECK(rest_of(n.server, &how) == expected[cut]);
        if (cut + 1 == count) {
          CHECK(how == io_status::end);
          break;
        }
        CHECK(how == io_status::reset);
        char c[1];
        const auto r = n.server.read_some(c);
        CHECK(r.status == io_status::reset);
        CHECK(r.code == ECONNRESET);
        try {
          n.server.expect("read request", r);
          CHECK(false);
        } catch (const net::tls_error& e) {
          CHECK(e.kind() == tls_errc::truncated);
          CHECK(e.reset());
          CHECK_THAT(e.what(), Catch::StartsWith("read request tls+memory tls_pair.h:") &&
                                   Contains(": truncated: the connection has ended without close_notify"));
        }
        // The other half is whole.
        CHECK(n.server.write_all("answer"));
      }
    }
  });
}

TEST_CASE("bytes that are damaged on the way are found and both sides learn of it") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    for (const std::size_t at : {std::size_t{0}, std::size_t{3}, std::size_t{5}, std::size_t{12}, std::size_t{25}}) {
      const auto m = testing::shake_through(sides.client, sides.server);
      CHECK(m.client.write_all("a secret"));
      std::string said = some(m.to_client);
      REQUIRE(said.size() == 22 + 8);
      said[at] = static_cast<char>(said[at] ^ 0x80);
      CHECK(m.to_server.write_all(said));
      char c[100];
      const auto r = m.server.read_some(c);
      CHECK(r.status == io_status::reset);
      CHECK(r.code == EPROTO);
      CHECK_THAT(m.server.why(), Contains("damaged or breaks TLS's rules"));
      CHECK(m.server.write_all("x").status == io_status::reset);
      CHECK(m.server.shutdown().status == io_status::reset);
      CHECK(m.to_client.write_all(some(m.to_server)));  // tickets, and the alert
      CHECK(m.client.read_some(c).code == EPROTO);
      CHECK_THAT(m.client.why(), Contains("refused by the peer: "));
    }
  });
}

TEST_CASE("a handshake that ends or is reset after any number of bytes fails on the side that needs more") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    // How much there is, of both ways.
    std::size_t up_bytes, down_bytes;
    {
      auto [a, b, up, down] = memory_pair();
      const net::stream below_a = a.share(), below_b = b.share();
      const auto ends = shake(std::move(a), std::move(b), sides.client, sides.server);
      REQUIRE(ends.client.what() == "");
      up_bytes = below_a.bytes_written(), down_bytes = below_b.bytes_written();
    }
    const std::size_t step = testing::rounds(1) > 1 ? 1 : 37;
    for (std::size_t at = 0; at < up_bytes; at += step) {
      auto [a, b, up, down] = memory_pair();
      up.reset_after(at);
      const auto ends = shake(std::move(a), std::move(b), sides.client, sides.server);
      REQUIRE(ends.server.failure);
      CHECK(ends.server.failure->reset());
    }
    for (std::size_t at = 0; at < down_bytes; at += step) {
      auto [a, b, up, down] = memory_pair();
      down.reset_after(at);
      const auto ends = shake(std::move(a), std::move(b), sides.client, sides.server);
      REQUIRE(ends.client.failure);
      CHECK(ends.client.failure->reset());
    }
    // The server has gone after so many bytes of the client's.
    for (std::size_t at = 0; at < up_bytes; at += step) {
      auto [a, b, up, down] = memory_pair();
      const net::stream plain = b.share();
      with_scope([&, &a = a](scope& s) {
        s.spawn("server", [&] {
          std::string got(at + 1, '\0');
          EXPECT(plain.read_exactly(net::mutable_buffer(got).from(1)).status == io_status::ok);
          plain.close();
        });
        try {
          const auto tls = net::start_tls(std::move(a), sides.client, "good.test");
          FAIL("the handshake came to an end");
        } catch (const net::error& e) {
          CHECK(e.reset());
          if (e.code() == tls_errc::truncated)
            CHECK_THAT(e.what(), Contains("the peer has ended the connection in the middle of the handshake"));
        }
      });
      if (at + step >= 200) break;  // within the hello: no more would ever come
    }
  });
}

TEST_CASE("a handshake by single bytes comes to its end") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    auto [a, b, up, down] = memory_pair({.capacity = 1});
    const auto ends = shake(std::move(a), std::move(b), sides.client, sides.server);
    CHECK(ends.client.what() == "");
    CHECK(ends.server.what() == "");
  });
}

TEST_CASE("a handshake ends at its deadline or its limit or by a cancel or a close and leaves nothing") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    auto hasty = certificates::get().client();
    hasty.handshake_limit = 1ms;
    const net::tls_client in_a_hurry(hasty);
    const auto silent = [&](const net::tls_client& client, deadline limit) -> std::string {
      auto [a, b, up, down] = memory_pair();
      try {
        (void)net::start_tls(std::move(a), client, "good.test", limit);
      } catch (const net::error& e) {
        CHECK(e.timeout());
        CHECK(some(b).size() > 100);  // the hello
        char c[1];
        CHECK(b.read_some(c).status == io_status::end);
        return e.what();
      }
      return {};
    };
    CHECK_THAT(silent(sides.client, 1ms), Catch::StartsWith("handshake tls+memory tls_faults_test.cc:") &&
                                              Catch::EndsWith(" (good.test): the deadline came first"));
    CHECK_THAT(silent(in_a_hurry, {}), Catch::EndsWith(": the deadline came first"));
    // A client that sends a byte now and then is not given more time.
    auto slow_server = certificates::get().server();
    slow_server.handshake_limit = 20ms;
    const net::tls_server impatient(slow_server);
    {
      auto [a, b, up, down] = memory_pair();
      std::string hello;
      {
        auto [c, d, c_up, c_down] = memory_pair();
        CHECK_THROWS_AS(net::start_tls(std::move(c), sides.client, "good.test", -1s), net::error);
        hello = some(d);
      }
      bool over = false;
      with_scope([&, &a = a, &b = b](scope& s) {
        s.spawn("server", [&] {
          try {
            (void)net::start_tls(std::move(b), impatient);
          } catch (const net::error& e) {
            over = e.timeout();
          }
        });
        for (std::size_t i = 0; i + 1 < hello.size(); ++i) {
          if (!a.write_all(std::string_view(hello).substr(i, 1))) break;
          this_actor::sleep(1ms);
        }
      });
      CHECK(over);
    }
    // A cancel, at any place: after so many of the server's bytes.
    for (std::size_t at = 0; at < 1000; at += 97) {
      auto [a, b, up, down] = memory_pair();
      const net::stream below = a.share();
      down.most_per_read(97);
      std::atomic<bool> came_to_an_end{false};
      with_scope([&, &a = a, &b = b](scope& s) {
        auto server = s.spawn("server", [&] {
          try {
            (void)net::start_tls(std::move(b), sides.server);
          } catch (const net::error&) {
          }
        });
        with_scope([&](scope& inner) {
          inner.spawn("client", [&] {
            const auto tls = net::start_tls(std::move(a), sides.client, "good.test");
            came_to_an_end = true;
          });
          testing::eventually([&] { return below.bytes_read() >= at || came_to_an_end; });
          inner.cancel();
        });
        server.join();
      });
      char c[1];
      CHECK(below.read_some(c).status == io_status::closed);
    }
    // A close by somebody who has another handle.
    auto [a, b, up, down] = memory_pair();
    const net::stream other = a.share();
    with_scope([&, &a = a](scope& s) {
      s.spawn("closes", [&] {
        testing::eventually([&] { return other.bytes_written() > 100; });
        other.close();
      });
      try {
        (void)net::start_tls(std::move(a), sides.client, "good.test");
        CHECK(false);
      } catch (const net::error& e) {
        CHECK(e.closed());
      }
    });
  });
}

TEST_CASE("a handshake that goes on and comes to no end does not outlast its deadline or a cancel") {
  certificates::get();
  // A client passes over a HelloRequest before the server's hello (RFC 5246, 7.4.1.1), however many there are. They
  // come faster than they are read, from a thread that does nothing else.
  std::string requests;
  for (int i = 0; i < 100'000; ++i) requests.append("\x16\x03\x03\0\4\0\0\0\0", 9);
  const auto listening = testing::raw_socket::listening(2);
  std::thread server([&] {
    for (int i = 0; i < 2; ++i) {
      const testing::raw_socket peer(accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      while (send(peer.fd(), requests.data(), requests.size(), MSG_NOSIGNAL) > 0) {
      }
    }
  });
  in_actor([&] {
    const both_sides sides;
    const std::string at = "127.0.0.1:" + std::to_string(listening.port());
    std::string late;
    try {
      (void)net::start_tls(net::tcp_connect(at), sides.client, "good.test", 50ms);
    } catch (const net::error& e) {
      late = e.what();
    }
    CHECK_THAT(late, Catch::EndsWith(": the deadline came first"));
    bool went_on = false;
    with_scope([&](scope& s) {
      s.spawn("client", [&] {
        (void)net::start_tls(net::tcp_connect(at), sides.client, "good.test", 1h);
        went_on = true;
      });
      weir::this_actor::sleep(20ms);
      s.cancel();
    });
    CHECK_FALSE(went_on);
  });
  server.join();
}

TEST_CASE("a server that never writes meets a client that never reads and nobody hangs or dies") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    // No room for its tickets: it would wait for ever for the client to read them.
    {
      auto [a, b, up, down] = memory_pair({.capacity = 1});
      const auto ends = shake(std::move(a), std::move(b), sides.client, sides.server);
      REQUIRE(ends.server.what() == "");
      CHECK(down.under_way() == 0);
    }
    // And a client that says all it has to say, and is gone.
    for (int i = 0; i < 20; ++i) {
      const net::tcp_listener listener("127.0.0.1:0");
      net::tls_stream server;
      with_scope([&](scope& s) {
        s.spawn("client", [&] {
          const auto tls = net::start_tls(net::tcp_connect(listener.at(), 60s), sides.client, "good.test");
          EXPECT(tls.write_all(testing::bytes_of(1, 0, 50'000)));
          EXPECT(tls.shutdown());
        });
        server = net::start_tls(*listener.accept(), sides.server);
      });
      io_status how{};
      const std::string all = rest_of(server, &how);
      CHECK(how == io_status::end);
      CHECK(all.size() == 50'000);
      // Into the void: a value, and no signal. The kernel finds out with the first.
      io_status wrote{};
      testing::eventually([&] { return (wrote = server.write_all("anybody there?").status) != io_status::ok; });
      CHECK(wrote == io_status::reset);
    }
  });
}

TEST_CASE("a peer that asks for new keys over and over and takes no answer is not listened to any more") {
  const certificates& all = certificates::get();
  in_actor([&] {
    const both_sides sides;
    auto [a, b, up, down] = memory_pair({.capacity = 1000});
    const net::stream below_b = b.share();
    net::internal::tls_context context(all.client());
    net::internal::engine peer(context, "good.test", "");
    const auto send = [&, &a = a] {
      EXPECT(a.write_all(peer.output));
      peer.output.clear();
    };
    net::tls_stream server;
    std::atomic<bool> asked{false};
    io_status how{};
    with_scope([&, &a = a, &b = b, &up = up, &down = down](scope& s) {
      s.spawn("server", [&] {
        server = net::start_tls(std::move(b), sides.server);
        char c[1];
        while ((how = server.read_some(c).status) == io_status::ok) continue;
      });
      while (peer.handshake() == net::internal::engine::step::starved) {
        send();
        const iovec room = peer.room();
        peer.arrived(a.read_some({room.iov_base, room.iov_len}).bytes);
      }
      send();
      s.spawn("asks", [&] {
        for (int i = 0; i < 10'000; ++i) {
          EXPECT(SSL_key_update(&peer.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
          EXPECT(peer.handshake() == net::internal::engine::step::done);
          const iovec text{const_cast<char*>("x"), 1};
          std::size_t took = 0;
          EXPECT(peer.write(&text, 1, took) == net::internal::engine::step::done);
          send();
        }
        asked = true;
      });
      // Its answers fill their direction and what may wait here; then it reads no more.
      testing::eventually([&] {
        return asked || (up.under_way() == 1000 && down.under_way() == 1000 && below_b.bytes_read() > 64 * 1024);
      });
      this_actor::sleep(10ms);  // the outcome is the same without
      CHECK_FALSE(asked);
      CHECK(below_b.bytes_read() < 400 * 1024);
      // As soon as the answers are taken it goes on.
      std::string part(4096, '\0');
      while (!asked) (void)a.read_some(part, 10ms);
      server.close();
    });
    CHECK(how == io_status::closed);
  });
}

TEST_CASE("a handshake, reads and writes need less than 64 KiB of stack") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    auto [a, b, up, down] = memory_pair();
    with_scope([&, &a = a, &b = b](scope& s) {
      const auto serve = [&] {
        const auto tls = net::start_tls(std::move(b), sides.server);
        EXPECT(rest_of(tls) == "hello");
      };
      const auto ask = [&] {
        const auto tls = net::start_tls(std::move(a), sides.client, "good.test");
        EXPECT(tls.write_all("hello"));
        EXPECT(tls.shutdown());
      };
      s.spawn("server", serve, {.stack = 64 * 1024});
      s.spawn("client", ask, {.stack = 64 * 1024});
    });
  });
}

TEST_CASE("a thousand handshakes leave neither descriptors nor memory behind") {
  certificates::get();
  in_actor([] {
    const both_sides sides;
    const net::tcp_listener listener("127.0.0.1:0");
    const auto some_handshakes = [&](int count) {
      with_scope([&](scope& s) {
        s.spawn("server", [&] {
          for (int i = 0; i < count; ++i) {
            try {
              const auto tls = net::start_tls(*listener.accept(), sides.server);
              EXPECT(some(tls) == "hello");
              EXPECT(tls.write_all("hello yourself"));
            } catch (const net::error&) {  // every other client has another host in mind
            }
          }
        });
        for (int i = 0; i < count; ++i) {
          try {
            const auto tls = net::start_tls(net::tcp_connect(listener.at(), 60s), sides.client,
                                            i % 2 == 0 ? "good.test" : "bad.test");
            EXPECT(i % 2 == 0);
            EXPECT(tls.write_all("hello"));
            EXPECT(some(tls) == "hello yourself");
          } catch (const net::tls_error&) {
            EXPECT(i % 2 == 1);
          }
        }
      });
    };
    const int count = testing::sanitized ? 50 : 500;
    some_handshakes(count);
    const std::size_t descriptors = open_descriptors();
    const std::size_t memory = mallinfo2().uordblks;
    some_handshakes(count);
    CHECK(open_descriptors() <= descriptors + 2);
    if (!testing::sanitized) CHECK(mallinfo2().uordblks < memory + 200'000);
  });
}
