// What the codec does when there is no memory.
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "tests/net/websocket/frames.h"
#include "tests/short_memory.h"
#include "weir/net/websocket/codec.h"

using namespace weir::net::websocket;
using wire::frame;

TEST_CASE("a decoder that finds no memory fails for good and says so") {
  const std::string bytes = frame(wire::text, std::string(100, 'a'), {.fin = false}) +
                            frame(wire::ping, std::string(50, 'p')) + frame(wire::continuation, std::string(200, 'b')) +
                            frame(wire::close, wire::close_payload(1000, std::string(50, 'r')));
  long nth = -1;
  input last = input::failed;
  while (last != input::close) {
    ++nth;
    decoder d(role::server, 1 << 20);
    std::string_view rest = bytes;
    do {
      message m;
      const testing::short_memory one(nth, testing::short_memory::once);
      last = d.next(rest, m);
    } while (last == input::message || last == input::ping);
    if (last == input::close) break;
    REQUIRE(last == input::failed);
    CHECK(d.failure().broken == rule::memory);
    CHECK(d.failure().text().find("there must be memory for what has come") != std::string::npos);
    message m;
    rest = bytes;
    CHECK(d.next(rest, m) == input::failed);
  }
  CHECK(nth > 2);  // so many have failed
}

TEST_CASE("an encoder that finds no memory has written nothing") {
  encoder out(role::client);
  std::string text = "before";
  const message m = message::binary(std::string(100, 'x'));
  CHECK_FALSE(testing::with_allocations(0, [&] { out.add(text, m); }));
  CHECK(text == "before");
  out.add(text, m);
  CHECK(wire::read(text.substr(6)).events.at(0).what == m);
}
