// The faults of streams in memory.
#include "weir/net/memory_stream.h"

#include <chrono>
#include <string>

#include "tests/net/text_of.h"
#include "tests/testing.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::memory_pair;
using testing::in_actor;
using testing::rest_of;
using testing::some_of;

TEST_CASE("a reset comes after exactly as many bytes as were asked for, to both sides") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair({.capacity = 8});
    up.reset_after(5);
    CHECK(a.write_all("01234567"));
    CHECK(rest_of(b) == "01234");
    char c[1];
    auto r = b.read_some(c);
    CHECK(r.status == io_status::reset);
    CHECK(r.code == ECONNRESET);
    r = a.write_all("x");
    CHECK(r.status == io_status::reset);
    CHECK(r.bytes == 0);
    CHECK(b.write_all("goes on"));
    CHECK(some_of(a) == "goes on");
  });
}

TEST_CASE("a reset wakes a reader and a writer that wait") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair({.capacity = 2});
    with_scope([&, &a = a, &up = up, &down = down](scope& s) {
      s.spawn("writer", [&] {
        const auto r = a.write_all("0123");
        EXPECT(r.status == io_status::reset);
        EXPECT(r.bytes == 2);
      });
      s.spawn("reader", [&] {
        char c[1];
        EXPECT(a.read_some(c).status == io_status::reset);
      });
      testing::eventually([&] { return a.bytes_written() == 2; });
      this_actor::sleep(1ms);
      up.reset();
      down.reset();
    });
  });
}

TEST_CASE("a stall holds back bytes and the end until it is over") {
  in_actor([] {
    auto [a, b, up, down] = memory_pair();
    up.stall();
    CHECK(a.write_all("held"));
    CHECK(a.shutdown());
    char c[8];
    CHECK(b.read_some(c, 2ms).status == io_status::timeout);
    CHECK(up.under_way() == 4);
    up.resume();
    CHECK(rest_of(b) == "held");
  });
}

TEST_CASE("memory_pair refuses a capacity of nothing, and a link a limit of nothing") {
  CHECK_THROWS_WITH(memory_pair({.capacity = 0}), Catch::StartsWith("memory_pair: the capacity is at least 1"));
  const auto ends = memory_pair();
  CHECK_THROWS_AS(ends.a_to_b.most_per_read(0), misuse);
  CHECK_THROWS_AS(ends.a_to_b.most_per_write(0), misuse);
}
