#include "weir/net/stream.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/dump.h"
#include "tests/net/bytes.h"
#include "tests/net/text_of.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/error.h"
#include "weir/net/memory_stream.h"
#include "weir/net/on_stream.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::memory_pair;
using testing::in_actor;
using testing::rest_of;
using testing::some_of;

TEST_CASE("what is written is read in order, whatever the sizes of writes and reads and whatever goes at once") {
  in_actor([] {
    std::mt19937 random(Catch::rngSeed());
    for (const std::size_t capacity : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
      auto [a, b, up, down] = memory_pair({.capacity = capacity});
      up.most_per_read(1 + random() % 9);
      up.most_per_write(1 + random() % 9);
      const std::size_t total = 5000;
      with_scope([&, &a = a, &b = b](scope& s) {
        s.spawn("writer", [&] {
          for (std::size_t at = 0; at < total;) {
            const std::size_t n = std::min<std::size_t>(random() % 300, total - at);
            const std::string part = testing::bytes_of(1, at, n);
            const std::size_t cut = n / 3;
            const auto r = a.write_all({std::string_view(part).substr(0, cut), "", std::string_view(part).substr(cut)});
            EXPECT(r.status == io_status::ok);
            EXPECT(r.bytes == n);
            at += n;
          }
          EXPECT(a.shutdown());
        });
        std::vector<char> buffer(500);
        std::size_t at = 0;
        for (;;) {
          const auto r = b.read_some(buffer);
          if (!r) {
            CHECK(r.status == io_status::end);
            CHECK(r.bytes == 0);
            break;
          }
          REQUIRE(r.bytes > 0);
          REQUIRE(testing::are_bytes_of({buffer.data(), r.bytes}, 1, at));
          at += r.bytes;
        }
        CHECK(at == total);
        CHECK(b.bytes_read() == total);
        CHECK(a.bytes_written() == total);
      });
    }
  });
}

TEST_CASE("many pieces go as if they were one") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    std::vector<std::string> texts;
    std::string expected;
    for (int i = 0; i < 200; ++i) {  // more than go to the kernel at once
      texts.push_back(std::string(static_cast<std::size_t>(i % 3), static_cast<char>('a' + i % 26)));
      expected += texts.back();
    }
    const std::vector<net::const_buffer> pieces(texts.begin(), texts.end());
    const auto r = a.write_all(pieces);
    CHECK(r);
    CHECK(r.bytes == expected.size());
    CHECK(some_of(b) == expected);
    CHECK(a.write_all(std::span<const net::const_buffer>()).bytes == 0);
  });
}

TEST_CASE("read_exactly fills the buffer, or says how much of it there is") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    up.most_per_read(1);
    CHECK(a.write_all("abcdefgh"));
    std::array<char, 5> five{};
    auto r = b.read_exactly(five);
    CHECK(r.status == io_status::ok);
    CHECK(std::string(five.data(), r.bytes) == "abcde");
    r = b.read_exactly(five, 1ms);
    CHECK(r.status == io_status::timeout);
    CHECK(std::string(five.data(), r.bytes) == "fgh");
    CHECK(a.write_all("xy"));
    CHECK(a.shutdown());
    r = b.read_exactly(five);
    CHECK(r.status == io_status::end);
    CHECK(std::string(five.data(), r.bytes) == "xy");
    CHECK(b.read_exactly(net::mutable_buffer()).status == io_status::ok);
  });
}

TEST_CASE(
    "read_until gives one text after the other, and keeps what lies beyond the delimiter for whatever reads next") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    CHECK(a.write_all("one\r\ntwo\r\n\r\nbinary..rest"));
    std::string line;
    CHECK(b.read_until(line, "\r\n").bytes == 5);
    CHECK(line == "one\r\n");
    CHECK(b.read_until(line, "\r\n"));
    CHECK(line == "two\r\n");
    CHECK(b.read_until(line, "\r\n"));
    CHECK(line == "\r\n");
    std::array<char, 6> six{};
    CHECK(b.read_exactly(six));
    CHECK(std::string(six.data(), 6) == "binary");
    CHECK(some_of(b, 2) == "..");
    CHECK(b.take_unread() == "rest");
    CHECK(b.take_unread().empty());
    CHECK(a.write_all("x"));
    CHECK(some_of(b) == "x");
  });
}

TEST_CASE("a delimiter is found wherever reads cut it") {
  in_actor([] {
    for (std::size_t cut = 1; cut < 8; ++cut) {
      auto [a, b, up, down] = memory_pair();
      up.most_per_read(cut);
      CHECK(a.write_all("aabaaabaab aaab!"));
      std::string text;
      CHECK(b.read_until(text, "aaab"));
      CHECK(text == "aabaaab");
      CHECK(b.read_until(text, "aaab"));
      CHECK(text == "aab aaab");
      CHECK(a.shutdown());
      CHECK(b.read_until(text, "aaab").status == io_status::end);
      CHECK(text == "!");
    }
  });
}

TEST_CASE("read_until is bounded, and a bound, a deadline or a cancel loses nothing") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    std::string text = "old";
    CHECK(a.write_all("0123456789"));
    CHECK(b.read_until(text, "\n", 8).status == io_status::too_long);
    CHECK(text.empty());
    CHECK(b.read_until(text, "\n", 100, 1ms).status == io_status::timeout);
    CHECK(text.empty());
    const bool in_time = within(1ms, [&, &b = b] { (void)b.read_until(text, "\n"); });
    CHECK_FALSE(in_time);
    CHECK(a.write_all("\n"));
    CHECK(b.read_until(text, "\n", 11));  // exactly as long as its bound
    CHECK(text == "0123456789\n");
    CHECK_THROWS_AS(b.read_until(text, ""), misuse);
    CHECK_THROWS_AS(b.read_until(text, "\r\n", 1), misuse);
  });
}

TEST_CASE("shutdown ends one half: the peer reads all of it, then the end, and the other half goes on") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    CHECK(a.write_all("last words"));
    CHECK(a.shutdown());
    CHECK(a.shutdown());
    CHECK(a.write_all("more").status == io_status::closed);
    CHECK(rest_of(b) == "last words");
    CHECK(b.write_all("answer"));
    CHECK(some_of(a) == "answer");
  });
}

TEST_CASE("close ends every call in progress with closed, and the peer reads the end") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair({.capacity = 4});
    with_scope([&, &a = a](scope& s) {
      s.spawn("reader", [&] { EXPECT(some_of(a).empty()); });
      s.spawn("writer", [&] {
        const auto r = a.write_all("0123456789");
        EXPECT(r.status == io_status::closed);
        EXPECT(r.bytes == 4);
      });
      testing::eventually([&] { return a.bytes_written() == 4; });
      this_actor::sleep(1ms);  // so that both stand; the outcome is the same if they do not
      a.close();
      a.close();
    });
    CHECK(a.write_all("x").status == io_status::closed);
    char c[1];
    CHECK(a.read_some(c).status == io_status::closed);
    CHECK(rest_of(b) == "0123");
    const auto r = b.write_all("x");
    CHECK(r.status == io_status::reset);
    CHECK(r.code == EPIPE);
  });
}

TEST_CASE("a write that ran out of time says how much went, and that much the peer reads") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair({.capacity = 10});
    const auto r = a.write_all("0123456789abcdef", 1ms);
    CHECK(r.status == io_status::timeout);
    CHECK(r.bytes == 10);
    const auto again = a.write_all({"x", "y"}, 1ms);
    CHECK(again.status == io_status::timeout);
    CHECK(again.bytes == 0);
    a.close();
    CHECK(rest_of(b) == "0123456789");
  });
}

TEST_CASE("a cancelled write says how much went by bytes_written") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair({.capacity = 10});
    bool seen = false;
    const bool in_time = within(2ms, [&, &a = a] {
      try {
        (void)a.write_all("0123456789abcdef");
      } catch (const weir::cancelled&) {
        seen = a.bytes_written() == 10;
        throw;
      }
    });
    CHECK_FALSE(in_time);
    CHECK(seen);
    a.close();
    CHECK(rest_of(b) == "0123456789");
  });
}

TEST_CASE("with bytes there even an expired deadline succeeds") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    char c[4];
    CHECK(b.read_some(c, -1s).status == io_status::timeout);
    CHECK(a.write_all("abcd", -1s));
    CHECK(b.read_exactly(c, -1s));
  });
}

TEST_CASE("a second reader and a second writer are misuse, and harm nobody") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair({.capacity = 1});
    with_scope([&, &a = a, &b = b](scope& s) {
      s.spawn("reader", [&] { EXPECT(some_of(a) == "x"); });
      s.spawn("writer", [&] { EXPECT(a.write_all("ab")); });
      testing::eventually([] { return testing::waits("reader", "read") && testing::waits("writer", "write"); });
      std::string line;
      char c[1];
      CHECK_THROWS_WITH(a.read_some(c), Catch::Contains("read_some: one reader at a time") &&
                                            Catch::Contains("memory stream_test.cc") &&
                                            Catch::Contains("Give the stream to one reader"));
      CHECK_THROWS_AS(a.read_until(line, "\n"), misuse);
      CHECK_THROWS_WITH(a.write_all("z"), Catch::Contains("write_all: one writer at a time"));
      CHECK_THROWS_AS(a.shutdown(), misuse);
      CHECK(b.write_all("x"));
      char two[2];
      CHECK(b.read_exactly(two));
      CHECK(std::string(two, 2) == "ab");
    });
  });
}

TEST_CASE("handles share a stream, and the last one closes it") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    net::stream second = a.share();
    CHECK(second.write_all("from the second"));
    second.reset();
    CHECK_FALSE(second);
    CHECK(some_of(b) == "from the second");
    CHECK(a.write_all("from the first"));
    a = net::stream();
    CHECK(rest_of(b) == "from the first");
    CHECK_THROWS_WITH(a.close(), Catch::Contains("close: the handle refers to a stream"));
    char c[1];
    CHECK_THROWS_AS(second.read_some(c), misuse);
  });
}

TEST_CASE("select waits for a stream among other things") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair({.capacity = 4});
    auto [tx, rx] = channel<int>(1);
    const auto what = [&, &a = a, &b = b, &rx = rx] {
      return select(net::on_readable(b, [] { return std::string("readable"); }),
                    net::on_writable(a, [] { return std::string("writable"); }).priority(2),
                    on_recv(rx, [](std::optional<int>) { return std::string("received"); }).priority(1),
                    after(2ms, [] { return std::string("time"); }).priority(3));
    };
    CHECK(what() == "writable");
    CHECK(a.write_all("abc\n"));
    CHECK(what() == "readable");
    CHECK(what() == "readable");  // nothing was taken
    std::string line;
    CHECK(b.read_until(line, "c"));
    CHECK(what() == "readable");  // what read_until has left over counts
    CHECK(some_of(b) == "\n");
    CHECK(a.write_all("0123"));
    up.stall();
    CHECK(what() == "time");
    CHECK(tx.send(1));
    CHECK(what() == "received");
    with_scope([&, &up = up](scope& s) {
      s.spawn("later", [&] {
        this_actor::sleep(1ms);
        up.resume();
      });
      CHECK(select(net::on_readable(b, [] { return 1; }), on_recv(rx, [](std::optional<int>) { return 2; })) == 1);
    });
    CHECK(some_of(b) == "0123");
    a.close();
    CHECK(what() == "readable");  // the end
    CHECK(some_of(b).empty());
    CHECK(what() == "readable");
  });
}

TEST_CASE("in a cancelled scope an end throws cancelled, so that nobody takes a torn text for a whole one") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    bool finished = false;
    with_scope([&, &a = a, &b = b](scope& s) {
      s.spawn("producer", [mine = std::move(a)] {
        (void)mine.write_all("half of it");
        this_actor::sleep(1h);
      });
      s.spawn("consumer", [&] {
        for (char c[64];;) {
          const auto r = b.read_some(c);
          if (r.status == io_status::end) {
            finished = true;
            return;
          }
        }
      });
      testing::eventually([&] { return b.bytes_read() == 10; });
      s.cancel();
    });
    CHECK_FALSE(finished);
  });
}

TEST_CASE("while unwinding a call that would wait is as closed, and under a shield it waits") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
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
    within(1ms, [&, &b = b] {
      probe p{b, in_destructor, in_shield};
      this_actor::sleep(1h);
    });
    CHECK(in_destructor == io_status::closed);
    CHECK(in_shield == io_status::timeout);
  });
}

TEST_CASE("plain threads read and write, and block") {
  auto [a, b, up, down] = memory_pair({.capacity = 16});
  std::thread writer([&a = a] {
    for (int i = 0; i < 100; ++i) EXPECT(a.write_all(testing::bytes_of(2, static_cast<std::uint64_t>(i) * 50, 50)));
    a.reset();
  });
  std::string all;
  for (std::string part; !(part = some_of(b)).empty();) all += part;
  writer.join();
  CHECK(all.size() == 5000);
  CHECK(testing::are_bytes_of(all, 2, 0));
  testing::check_expectations();
}

TEST_CASE("expect gives the number of bytes or an error with operation, name and what happened") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    CHECK(a.expect("send greeting", a.write_all("hello")) == 5);
    char c[9];
    CHECK_THROWS_WITH(
        b.expect("read header", b.read_exactly(c, 1ms)),
        Catch::StartsWith("read header memory stream_test.cc:") && Catch::EndsWith("b to a: the deadline came first"));
    a.close();
    CHECK_THROWS_WITH(b.expect("read header", b.read_exactly(c)), Catch::EndsWith(": ended by the peer"));
    CHECK_THROWS_WITH(b.expect("answer", b.write_all("x")), Catch::EndsWith(": broken pipe (EPIPE)"));
    CHECK_THROWS_WITH(a.expect("answer", a.write_all("x")), Catch::EndsWith(": closed by this side"));
  });
}

TEST_CASE(
    "close and timeouts against reads and writes: every byte arrives once, in its stream, and nobody is left behind") {
  in_actor([] {
    std::mt19937 random(Catch::rngSeed());
    for (int round = 0; round < testing::rounds(2000); ++round) {
      const auto id = static_cast<std::uint64_t>(round);
      const std::size_t capacity = 1 + random() % 32;
      const std::size_t total = random() % 400;
      const unsigned how = random() % 4;
      const auto limit = std::chrono::microseconds(random() % 200);
      auto [a, b, up, down] = memory_pair({.capacity = capacity});
      up.most_per_read(1 + random() % 16);
      if (how == 3) up.reset_after(random() % 400);
      std::size_t written = 0, read = 0;
      with_scope([&, &a = a, &b = b](scope& s) {
        s.spawn([&] {
          const auto r = a.write_all(testing::bytes_of(id, 0, total), how == 1 ? deadline(limit) : deadline());
          written = r.bytes;
          EXPECT(r.bytes == a.bytes_written());
          EXPECT(r.status != io_status::ok || r.bytes == total);
          if (how != 2) a.close();
        });
        s.spawn([&] {
          for (std::vector<char> buffer(64);;) {
            const auto r = b.read_some(buffer);
            EXPECT(testing::are_bytes_of({buffer.data(), r.bytes}, id, read));
            read += r.bytes;
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
      if (how < 3) REQUIRE(read == written);
    }
  });
}
