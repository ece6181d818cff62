// What the codec keeps, for how long, and what happens when there is no memory.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/net/zmtp/wire.h"
#include "tests/short_memory.h"
#include "weir/net/buffer.h"
#include "weir/net/frame.h"
#include "weir/net/message.h"
#include "weir/net/zmtp/decoder.h"
#include "weir/net/zmtp/encoder.h"
#include "weir/net/zmtp/internal/receive_buffer.h"

using namespace std::string_literals;
using weir::net::frame;
using weir::net::message;
using namespace weir::net::zmtp;

namespace {

std::string next_octets(encoder& e, std::size_t n) {
  std::string s;
  for (const weir::net::const_buffer& piece : e.pieces())
    s.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  s.resize(std::min(n, s.size()));
  e.wrote(s.size());
  return s;
}

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

TEST_CASE("without memory for a message the decoder fails, and for good") {
  decoder d;
  message m;
  d.feed(wire::frame(1, "a") + wire::frame(1, "b") + wire::frame(0, "c"));
  input got = input::more;
  {
    const testing::short_memory none;
    got = d.next(m);
  }
  CHECK(got == input::failed);
  CHECK(d.failure().broken == rule::memory);
  CHECK(d.next(m) == input::failed);
  CHECK_FALSE(d.at_boundary());
}

TEST_CASE("a decoder that has failed keeps nothing of what came") {
  const std::string body(100, 'x'), parts = wire::frame(0, body) + wire::frame(1, body) + wire::frame(1, body);
  for (const std::string& bad :
       {"\x80\0"s, wire::command(""), wire::command("P NG"), wire::command("PING"), wire::command("ERROR"),
        wire::command("READY"), "\2\x40\0\0\0\0\0\0\0"s, "\2\x80\0\0\0\0\0\0\0"s}) {
    decoder d;
    message m;
    d.feed(parts + bad);
    REQUIRE(d.next(m) == input::message);
    message last;
    REQUIRE(d.next(last) == input::failed);
    // Nobody else has the bytes any more, or they would have to be copied.
    const std::byte* const at = m[0].data();
    CHECK(static_cast<const void*>(m[0].writable().data()) == at);
    CHECK(d.room().empty());
    CHECK(d.feed("more"s) == 0);
  }
}

TEST_CASE("ignored flags are counted once a frame, in whatever pieces it comes") {
  const std::string bytes = "\x08\5hello"s + "\x0A"s + wire::number(300, 8) + std::string(300, 'x') + "\x0A"s +
                            wire::number(20'000, 8) + std::string(20'000, 'y');
  for (const std::size_t step : {std::size_t{1}, std::size_t{100}, SIZE_MAX}) {
    decoder d({.reserved_flags_ignored = true});
    CHECK(wire::decode(d, bytes, step).size() == 3);
    CHECK(d.ignored_flags() == 3);
  }
}

TEST_CASE("commands between the frames of a message do not make each of them keep a buffer") {
  const std::string body(100, 'x');
  for (const std::size_t size : {100, 3000, 60'000}) {
    decoder d;
    message m;
    for (int i = 0; i < 50; ++i)
      for (const wire::event& e : wire::decode(d, wire::frame(1, body) + wire::command("JOIN", std::string(size, 'j'))))
        FAIL(static_cast<int>(e.kind));
    d.feed(wire::frame(0, body));
    REQUIRE(d.next(m) == input::message);
    REQUIRE(m.size() == 51);
    std::size_t in_buffers = 0;
    bool same = true;
    for (frame& f : m) {
      const std::byte* const at = f.data();
      f.compact();
      in_buffers += f.data() != at;
      same = same && f == body;
    }
    CHECK(same);
    CHECK(in_buffers <= 4 * 1024 / size + 2);
  }
}

TEST_CASE("an encoder without memory has appended nothing, and taken nothing of the message") {
  const std::string body(encoder::copy_limit, 'x');
  // Without room for the first octet, without for all of them, without for the body that stays where it is.
  for (const std::size_t before : {0, 1, 3}) {
    encoder e;
    for (std::size_t i = 0; i < before; ++i) e.add(message("first"));
    const std::size_t pending = e.pending();
    message m = message::of("a", body);
    if (before != 3)
      for (const std::size_t size : {10'000, 3000, 3000, 1}) m.push_back(std::string(size, 'y'));
    const message same = m.copy();
    bool thrown = false;
    {
      const testing::short_memory none;
      try {
        e.add(std::move(m));
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
    }
    CHECK(thrown);
    CHECK(e.pending() == pending);
    CHECK(m == same);  // NOLINT: it was not taken
    e.add(std::move(m));
    e.wrote(pending);
    encoder other;
    other.add(same);
    CHECK(next_octets(e, SIZE_MAX) == next_octets(other, SIZE_MAX));
  }
}

TEST_CASE("bodies are given back as they are written, not when all is") {
  encoder e;
  std::vector<message> kept;
  for (int i = 0; i < 3; ++i) {
    kept.push_back(message(std::string(encoder::copy_limit, 'x')));
    e.add(kept.back());
  }
  const auto shared = [&](std::size_t i) {
    message m = kept[i].copy();  // writable() copies: two have it
    const std::byte* const at = kept[i][0].data();
    kept[i] = message();
    const bool was = static_cast<const void*>(m[0].writable().data()) != at;
    kept[i] = std::move(m);
    return was;
  };
  e.wrote(9 + encoder::copy_limit + 9 + encoder::copy_limit - 1);
  CHECK_FALSE(shared(0));
  CHECK(shared(1));
  next_octets(e, 1);
  CHECK(shared(2));
  CHECK(next_octets(e, SIZE_MAX).size() == 9 + encoder::copy_limit);
  CHECK(e.empty());
}

TEST_CASE("an encoder that is never empty does not grow") {
  encoder e;
  std::string written, expected;
  const std::string body(encoder::copy_limit + 5, 'l');
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = i % 50 == 0 ? body : std::to_string(i);
    e.add(message(text));
    expected += wire::frame(0, text);
    if (i < 20) continue;
    written += next_octets(e, std::min(e.pending() - 1, expected.size() - written.size() - 40));
    REQUIRE(e.capacity() <= 16 * 1024);
  }
  written += next_octets(e, SIZE_MAX);
  const bool same = written == expected;
  CHECK(same);
  CHECK(e.empty());
}

TEST_CASE("an encoder that was large gives that back when it is empty") {
  encoder e;
  for (int i = 0; i < 10'000; ++i) e.add(message(std::string(60, 'x')));
  CHECK(e.capacity() > 600'000);
  next_octets(e, 100'000);
  CHECK(e.capacity() > 600'000);
  next_octets(e, SIZE_MAX);
  CHECK(e.capacity() <= encoder::most_kept);
}

TEST_CASE("a peer that sends PING and does not read makes this side keep two PONGs") {
  encoder e;
  e.add(message("before"));
  for (int i = 0; i < 10'000; ++i) {
    e.pong(std::to_string(i));
    if (i % 100 == 0) e.pieces();
  }
  e.add(message("behind"));
  const std::string start = wire::frame(0, "before") + wire::command("PONG", "0"),
                    all = start + wire::frame(0, "behind") + wire::command("PONG", "9999");
  CHECK(e.pending() == all.size());
  std::string written = next_octets(e, start.size() - 1);  // within the first one
  e.pong("last");
  CHECK_FALSE(e.empty());
  while (!e.empty()) written += next_octets(e, SIZE_MAX);
  CHECK(written == start + wire::frame(0, "behind") + wire::command("PONG", "last"));
  e.pong("again");
  CHECK(next_octets(e, SIZE_MAX) == wire::command("PONG", "again"));
}
