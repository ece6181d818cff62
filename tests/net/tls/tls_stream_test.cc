// A TLS stream is a stream: the rules of stream_test, on TLS over memory, TCP and Unix sockets.
#include "weir/net/tls/tls_stream.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/net/bytes.h"
#include "tests/net/fresh.h"
#include "tests/net/tls/certificates.h"
#include "tests/net/tls/tls_pair.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/net/error.h"
#include "weir/net/local.h"
#include "weir/net/memory_stream.h"
#include "weir/net/on_stream.h"
#include "weir/net/tcp.h"
#include "weir/net/tls/tls_error.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::memory_pair;
using testing::certificates;
using testing::in_actor;
using testing::rest_of;
using testing::some;

namespace {

enum class carrier { memory, narrow, tcp, local };

struct tls_pair {
  net::tls_stream a, b;          // the client's end, and the server's
  net::stream below_a, below_b;  // what carries them
  net::memory_link up, down;     // if it is memory

  explicit tls_pair(carrier over = carrier::memory, net::memory_options memory = {},
                    net::tls_version newest = net::tls_version::v1_3) {
    net::stream from, to;
    if (over == carrier::tcp) {
      const net::tcp_listener listener("127.0.0.1:0");
      from = net::tcp_connect(listener.at(), 60s);
      to = *listener.accept();
    } else if (over == carrier::local) {
      const std::string name = testing::fresh_local_name();
      const net::local_listener listener(name);
      from = net::local_connect(name, 60s);
      to = *listener.accept();
    } else {
      if (over == carrier::narrow) memory.capacity = 13;
      auto ends = memory_pair(memory);
      from = std::move(ends.a), to = std::move(ends.b);
      up = ends.a_to_b, down = ends.b_to_a;
      if (over == carrier::narrow) up.most_per_read(3), down.most_per_write(5);
    }
    below_a = from.share(), below_b = to.share();
    auto options = certificates::get().client();
    options.newest = newest;
    auto shaken = testing::shake(std::move(from), std::move(to), net::tls_client(options),
                                 net::tls_server(certificates::get().server()));
    REQUIRE(shaken.client.what() == "");
    REQUIRE(shaken.server.what() == "");
    a = std::move(shaken.client.stream), b = std::move(shaken.server.stream);
  }
};

constexpr carrier all_carriers[] = {carrier::memory, carrier::narrow, carrier::tcp, carrier::local};

}  // namespace

TEST_CASE("much goes both ways at once, in order, whatever carries it and whatever the sizes of writes and reads") {
  certificates::get();
  in_actor([] {
    std::mt19937 random(Catch::rngSeed());
    for (const carrier over : all_carriers) {
      const tls_pair p(over);
      const std::size_t total = over == carrier::narrow ? 30'000 : static_cast<std::size_t>(testing::rounds(1'000'000));
      struct plan {
        const net::tls_stream& from;
        const net::tls_stream& to;
        std::vector<std::size_t> writes, reads;
        std::uint64_t id;
      };
      std::vector<plan> ways;
      ways.push_back({p.a, p.b, {}, {}, 1});
      ways.push_back({p.b, p.a, {}, {}, 2});
      for (plan& way : ways)
        for (int i = 0; i < 64; ++i) {
          way.writes.push_back(1 + random() % (i % 8 == 0 ? 100'000 : 500));
          way.reads.push_back(1 + random() % (i % 8 == 1 ? 100'000 : 500));
        }
      with_scope([&](scope& s) {
        for (const plan& way : ways) {
          s.spawn("writer", [&way, total] {
            for (std::size_t at = 0, i = 0; at < total; ++i) {
              const std::size_t n = std::min(way.writes[i % way.writes.size()], total - at);
              const std::string part = testing::bytes_of(way.id, at, n);
              const std::size_t cut = n / 3;
              const auto r =
                  way.from.write_all({std::string_view(part).substr(0, cut), "", std::string_view(part).substr(cut)});
              EXPECT(r.status == io_status::ok);
              EXPECT(r.bytes == n);
              at += n;
            }
            EXPECT(way.from.shutdown());
          });
          s.spawn("reader", [&way, total] {
            std::vector<char> buffer(100'000);
            std::size_t at = 0;
            for (std::size_t i = 0;; ++i) {
              const auto r = way.to.read_some({buffer.data(), way.reads[i % way.reads.size()]});
              if (!r) {
                EXPECT(r.status == io_status::end);
                break;
              }
              EXPECT(testing::are_bytes_of({buffer.data(), r.bytes}, way.id, at));
              at += r.bytes;
            }
            EXPECT(at == total);
          });
        }
      });
      CHECK(p.a.bytes_written() == total);
      CHECK(p.a.bytes_read() == total);
      CHECK(p.below_a.bytes_written() > total);  // what TLS adds
    }
  });
}

TEST_CASE("small pieces share a record and a delimiter is found wherever records cut it") {
  certificates::get();
  in_actor([] {
    const tls_pair p;
    CHECK(p.b.write_all("x"));  // its tickets go with it
    CHECK(some(p.a) == "x");
    const auto before = p.below_a.bytes_written();
    std::vector<std::string> texts;
    std::string expected;
    for (int i = 0; i < 50; ++i) {
      texts.push_back(std::string(static_cast<std::size_t>(i % 3), static_cast<char>('a' + i % 26)));
      expected += texts.back();
    }
    const std::vector<net::const_buffer> pieces(texts.begin(), texts.end());
    CHECK(p.a.write_all(pieces).bytes == expected.size());
    CHECK(some(p.b) == expected);
    CHECK(p.below_a.bytes_written() - before == expected.size() + 22);  // one record: 5 before, 17 behind
    CHECK(p.a.write_all(std::span<const net::const_buffer>()).bytes == 0);
    for (const char* part : {"one\r", "\ntw", "o\r\n\r", "\nrest"}) CHECK(p.a.write_all(part));
    std::string line;
    for (const char* expect : {"one\r\n", "two\r\n", "\r\n"}) {
      CHECK(p.b.read_until(line, "\r\n"));
      CHECK(line == expect);
    }
    std::array<char, 4> four{};
    CHECK(p.b.read_exactly(four));
    CHECK(std::string(four.data(), 4) == "rest");
  });
}

TEST_CASE("shutdown ends one half and the other goes on") {
  certificates::get();
  in_actor([] {
    for (const auto version : {net::tls_version::v1_2, net::tls_version::v1_3}) {
      const tls_pair p(carrier::memory, {}, version);
      CHECK(p.a.write_all("last words"));
      CHECK(p.a.shutdown());
      CHECK(p.a.shutdown());
      CHECK(p.a.write_all("more").status == io_status::closed);
      io_status how{};
      CHECK(rest_of(p.b, &how) == "last words");
      CHECK(how == io_status::end);
      CHECK(p.b.write_all("answer"));
      CHECK(some(p.a) == "answer");
      CHECK(p.b.shutdown());
      CHECK(rest_of(p.a, &how).empty());
      CHECK(how == io_status::end);
    }
  });
}

TEST_CASE("close ends every call in progress and the peer learns whether it has all of it") {
  certificates::get();
  in_actor([] {
    const tls_pair p(carrier::memory, {.capacity = 100});
    with_scope([&](scope& s) {
      s.spawn("reader", [&] {
        char c[1];
        EXPECT(p.a.read_some(c).status == io_status::closed);
      });
      s.spawn("writer", [&] { EXPECT(p.a.write_all(std::string(1000, 'x')).status == io_status::closed); });
      testing::eventually([&] { return p.up.under_way() == 100; });
      p.a.close();
      p.a.close();
    });
    CHECK(p.a.write_all("x").status == io_status::closed);
    char c[1];
    CHECK(p.a.read_some(c).status == io_status::closed);
    CHECK(p.a.shutdown().status == io_status::closed);
    // The close came in the middle of a record.
    io_status how{};
    CHECK(rest_of(p.b, &how).empty());
    CHECK(how == io_status::reset);
    CHECK_THAT(p.b.why(), Catch::StartsWith("truncated: "));

    tls_pair q;
    CHECK(q.a.write_all("all of it"));
    q.a.reset();  // the last handle
    CHECK(rest_of(q.b, &how) == "all of it");
    CHECK(how == io_status::end);
  });
}

TEST_CASE("a write that ran out of time or was cancelled counts what it took and the peer reads that much") {
  certificates::get();
  in_actor([] {
    const tls_pair p(carrier::memory, {.capacity = 50});
    const auto r = p.a.write_all(testing::bytes_of(1, 0, 200'000), 1ms);
    CHECK(r.status == io_status::timeout);
    CHECK(r.bytes > 0);
    CHECK(r.bytes <= 64 * 1024);
    CHECK(r.bytes == p.a.bytes_written());
    // The next one has to wait for what was left.
    CHECK(p.a.write_all("x", 1ms).bytes == 0);
    const bool in_time = within(2ms, [&] { (void)p.a.write_all("x"); });
    CHECK_FALSE(in_time);
    CHECK(r.bytes == p.a.bytes_written());
    const std::size_t total = 300'000;
    with_scope([&](scope& s) {
      s.spawn("reader", [&] {
        io_status how{};
        const std::string all = rest_of(p.b, &how);
        EXPECT(how == io_status::end);
        EXPECT(all.size() == total);
        EXPECT(testing::are_bytes_of(all, 1, 0));
      });
      EXPECT(p.a.write_all(testing::bytes_of(1, r.bytes, total - r.bytes)));
      EXPECT(p.a.shutdown());
    });
    CHECK(p.a.bytes_written() == total);
  });
}

TEST_CASE("a cancelled write counts what it took") {
  certificates::get();
  in_actor([] {
    const tls_pair p(carrier::memory, {.capacity = 50});
    const bool in_time = within(2ms, [&] { (void)p.a.write_all(std::string(1000, 'x')); });
    CHECK_FALSE(in_time);
    CHECK(p.a.bytes_written() == 1000);
    with_scope([&](scope& s) {
      s.spawn("reader", [&] { EXPECT(rest_of(p.b) == std::string(1000, 'x')); });
      EXPECT(p.a.shutdown());
    });
  });
}

TEST_CASE("with bytes there even an expired deadline succeeds and without it ends") {
  certificates::get();
  in_actor([] {
    for (const carrier over : {carrier::memory, carrier::tcp}) {
      const tls_pair p(over);
      char c[4];
      CHECK(p.b.read_some(c, -1s).status == io_status::timeout);
      CHECK(p.a.write_all("abcd", -1s));
      CHECK(p.b.read_exactly(c, 60s));
      CHECK(p.a.write_all("ab"));
      const auto r = p.b.read_exactly(c, 1ms);
      CHECK((r.status == io_status::timeout && r.bytes <= 2));
    }
  });
}

TEST_CASE("a second reader and a second writer are misuse and harm nobody") {
  certificates::get();
  in_actor([] {
    const tls_pair p(carrier::memory, {.capacity = 20});
    with_scope([&](scope& s) {
      s.spawn("reader", [&] { EXPECT(some(p.a) == "x"); });
      s.spawn("writer", [&] { EXPECT(p.a.write_all("ab")); });
      testing::eventually([&] { return p.up.under_way() == 20 && p.a.core("", {}).reading.busy.load(); });
      char c[1];
      CHECK_THROWS_WITH(p.a.read_some(c), Catch::Contains("read_some: one reader at a time") &&
                                              Catch::Contains("tls+memory tls_stream_test.cc"));
      CHECK_THROWS_WITH(p.a.write_all("z"), Catch::Contains("write_all: one writer at a time"));
      CHECK_THROWS_AS(p.a.shutdown(), misuse);
      char two[2];
      CHECK(p.b.read_exactly(two));
      CHECK(std::string(two, 2) == "ab");
      s.spawn("other", [&] { EXPECT(p.b.write_all("x")); });
    });
  });
}

TEST_CASE("a reset below wakes a reader and a writer and is no end") {
  certificates::get();
  in_actor([] {
    const tls_pair p(carrier::memory, {.capacity = 50});
    with_scope([&](scope& s) {
      s.spawn("writer", [&] { EXPECT(p.a.write_all(std::string(1000, 'x')).status == io_status::reset); });
      s.spawn("reader", [&] {
        char c[1];
        const auto r = p.a.read_some(c);
        EXPECT(r.status == io_status::reset);
        EXPECT(r.code == ECONNRESET);
      });
      testing::eventually([&] { return p.up.under_way() == 50; });
      p.up.reset();
      p.down.reset();
    });
    char c[1];
    const auto r = p.a.read_some(c);
    CHECK(r.status == io_status::reset);
    CHECK_THROWS_WITH(p.a.expect("read", r), Catch::EndsWith(": connection reset by peer (ECONNRESET)"));
  });
}

TEST_CASE("select waits for something to read and not for what only TLS says") {
  certificates::get();
  in_actor([] {
    for (const carrier over : all_carriers) {
      const tls_pair p(over);
      auto [tx, rx] = channel<int>(1);
      const auto what = [&, &rx = rx] {
        return select(net::on_readable(p.a, [] { return std::string("readable"); }),
                      on_recv(rx, [](std::optional<int>) { return std::string("received"); }),
                      after(3ms, [] { return std::string("time"); }).priority(3));
      };
      CHECK(what() == "time");
      // A part of a record, which the rest of it follows later.
      const std::string written(30'000, 'y');
      auto writer = spawn("writer", [&] { EXPECT(p.b.write_all(written)); });
      std::string got;
      while (got.size() < written.size()) {
        const auto said = what();
        if (said == "time") continue;
        CHECK(said == "readable");
        std::vector<char> buffer(1000);
        const auto r = p.a.read_some(buffer, -1s);  // would not wait
        REQUIRE(r);
        got.append(buffer.data(), r.bytes);
      }
      writer.join();
      CHECK(got == written);
      CHECK(what() == "time");
      CHECK(tx.send(1));
      CHECK(what() == "received");
      CHECK(select(net::on_writable(p.a, [] { return true; })));
      p.b.close();
      CHECK(select(net::on_readable(p.a, [] { return true; })));
      CHECK(some(p.a).empty());
      CHECK(what() == "readable");
    }
  });
}

TEST_CASE("a select goes on when it was woken by tickets and a part of a record") {
  const certificates& all = certificates::get();
  in_actor([&] {
    const auto m = testing::shake_through(net::tls_client(all.client()), net::tls_server(all.server()));
    auto [tx, rx] = channel<int>(1);
    CHECK(m.server.write_all("x"));
    const std::string said = some(m.to_server);  // its tickets, and a record
    REQUIRE(said.size() > 100);
    const auto before = m.below_client.bytes_read();
    std::atomic<int> chosen{0};
    with_scope([&, &tx = tx, &rx = rx](scope& s) {
      s.spawn("selects", [&] {
        chosen =
            select(net::on_readable(m.client, [] { return 1; }), on_recv(rx, [](std::optional<int>) { return 2; }));
      });
      for (std::size_t at = 0; at + 1 < said.size(); at += 50) {
        const std::string part = said.substr(at, std::min<std::size_t>(50, said.size() - 1 - at));
        CHECK(m.to_client.write_all(part));
        testing::eventually([&] { return m.below_client.bytes_read() == before + at + part.size() || chosen != 0; });
        REQUIRE(chosen == 0);
      }
      CHECK(tx.send(1));
    });
    CHECK(chosen == 2);
    CHECK(m.to_client.write_all(said.substr(said.size() - 1)));
    CHECK(select(net::on_readable(m.client, [] { return true; })));
    CHECK(some(m.client) == "x");
  });
}

TEST_CASE("in a cancelled scope an end throws cancelled and while unwinding a call that would wait is as closed") {
  certificates::get();
  in_actor([] {
    tls_pair p;
    bool finished = false;
    with_scope([&](scope& s) {
      s.spawn("producer", [mine = std::move(p.a)] {
        (void)mine.write_all("half of it");
        this_actor::sleep(1h);
      });
      s.spawn("consumer", [&] {
        for (char c[64];;) {
          const auto r = p.b.read_some(c);
          if (r.status == io_status::end || r.status == io_status::reset) {
            finished = true;
            return;
          }
        }
      });
      testing::eventually([&] { return p.b.bytes_read() == 10; });
      s.cancel();
    });
    CHECK_FALSE(finished);

    const tls_pair q;
    io_status in_destructor{}, in_shield{};
    struct probe {
      const net::stream& on;
      io_status& plain;
      io_status& shield;
      ~probe() {
        char c[1];
        plain = on.read_some(c).status;
        shield = shielded([&] { return on.read_some(c, 1ms).status; });
      }
    };
    within(1ms, [&] {
      probe on_the_way{q.b, in_destructor, in_shield};
      this_actor::sleep(1h);
    });
    CHECK(in_destructor == io_status::closed);
    CHECK(in_shield == io_status::timeout);
  });
}

TEST_CASE("plain threads shake hands, read and write, and block") {
  const certificates& all = certificates::get();
  const net::tls_client client(all.client());
  const net::tls_server server(all.server());
  auto [a, b, up, down] = memory_pair({.capacity = 16});
  std::thread writer([&, &a = a] {
    auto s = net::start_tls(std::move(a), client, "good.test");
    for (int i = 0; i < 100; ++i) EXPECT(s.write_all(testing::bytes_of(2, static_cast<std::uint64_t>(i) * 50, 50)));
    EXPECT(s.shutdown());
  });
  const auto s = net::start_tls(std::move(b), server);
  const std::string got = rest_of(s);
  writer.join();
  CHECK(got.size() == 5000);
  CHECK(testing::are_bytes_of(got, 2, 0));
  testing::check_expectations();
}

TEST_CASE("closes and timeouts against reads and writes: every byte arrives once and nobody is left behind") {
  const certificates& all = certificates::get();
  in_actor([&] {
    const net::tls_client client(all.client());
    const net::tls_server server(all.server());
    std::mt19937 random(Catch::rngSeed());
    for (int round = 0; round < testing::rounds(300); ++round) {
      const auto id = static_cast<std::uint64_t>(round);
      auto [from, to, up, down] = memory_pair({.capacity = 1 + random() % 200});
      up.most_per_read(1 + random() % 100);
      const std::size_t total = random() % 40'000;
      const unsigned how = random() % 4;
      const auto limit = std::chrono::microseconds(random() % 400);
      const net::stream below = from.share();
      auto shaken = testing::shake(std::move(from), std::move(to), client, server);
      const auto &a = shaken.client.stream, &b = shaken.server.stream;
      if (how == 3) up.reset_after(below.bytes_written() + random() % 5000);
      std::size_t written = 0, read = 0;
      io_status last{};
      with_scope([&](scope& s) {
        s.spawn([&] {
          const auto r = a.write_all(testing::bytes_of(id, 0, total), how == 1 ? deadline(limit) : deadline());
          written = r.bytes;
          EXPECT(r.bytes == a.bytes_written());
          EXPECT(r.status != io_status::ok || r.bytes == total);
          if (how < 2) (void)a.shutdown();
          if (how != 2) a.close();
        });
        s.spawn([&] {
          for (std::vector<char> buffer(64);;) {
            const auto r = b.read_some(buffer);
            EXPECT(testing::are_bytes_of({buffer.data(), r.bytes}, id, read));
            read += r.bytes;
            last = r.status;
            if (!r) break;
          }
          b.close();
        });
        if (how == 2) {
          this_actor::sleep(limit);
          a.close();
        }
      });
      REQUIRE(read <= written);
      if (how < 2) REQUIRE(last == io_status::end);
      // Whoever is told of an end has all of it.
      if (last == io_status::end) REQUIRE(read == written);
    }
  });
}
