// What the codec keeps, for how long, and what happens when there is no memory.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "weir/net/buffer.h"
#include "weir/net/frame.h"
#include "weir/net/zmtp/internal/receive_buffer.h"

using weir::net::frame;
using namespace weir::net::zmtp;

namespace {

void put(internal::receive_buffer& b, std::string_view bytes) {
  const weir::net::mutable_buffer room = b.room(b.size() + bytes.size());
  REQUIRE(room.size() >= bytes.size());
  std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), room.data());
  b.filled(bytes.size());
}

}  // namespace

TEST_CASE("a chunk that is used for ever never runs out of references") {
  const std::string text(100, 'x');
  // Bytes that stay undecoded make it move them to the front; else it begins at the front by itself.
  for (const std::size_t left : {0, 1, 50}) {
    internal::receive_buffer b(1000);
    put(b, text.substr(0, left));
    bool same = true;
    for (int i = 0; i < 20'000; ++i) {
      put(b, text);
      const frame f = b.take(b.data(), text.size());
      b.drop_front(text.size());
      same = same && f == text;
    }
    CHECK(same);
    CHECK(b.size() == left);
  }
}

TEST_CASE("a frame that is compacted keeps nothing of the buffer it came in, even if it is the last one of it") {
  frame f;
  {
    internal::receive_buffer b;
    put(b, std::string(4000, 'x'));
    f = b.take(b.data() + 1000, 100);
  }
  const std::byte* at = f.data();
  f.writable()[0] = std::byte{'y'};
  CHECK(f.data() == at);  // nobody else has it
  f.compact();
  CHECK(f.data() != at);
  CHECK(f == "y" + std::string(99, 'x'));
  at = f.data();
  f.compact();
  CHECK(f.data() == at);
}
