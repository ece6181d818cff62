// frame and message: what is inline, what is shared, what is copied.
#include "weir/net/message.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/net/frame.h"

using weir::net::frame;
using weir::net::message;

namespace {

const std::string long_text(1000, 'x');

}  // namespace

TEST_CASE("a frame has the bytes it was made of, whatever they came in") {
  for (const std::size_t size : {0, 1, 70, 71, 72, 73, 1000, 100'000}) {
    const std::string text(size, 'x');
    const std::vector<std::byte> bytes(size, std::byte{'x'});
    CHECK(frame(text) == text);
    CHECK(frame(std::string_view(text)) == text);
    CHECK(frame(std::string(text)) == text);
    CHECK(frame(bytes) == text);
    CHECK(frame(std::span<const std::byte>(bytes)) == text);
    CHECK(frame(text).size() == size);
    CHECK(frame(text).is_inline() == (size <= frame::inline_capacity));
    CHECK(frame(text).empty() == (size == 0));
  }
  CHECK(frame("with\0zero") == "with");
  CHECK(frame(std::string_view("with\0zero", 9)).size() == 9);
  CHECK_FALSE(frame("a") == "b");
}

TEST_CASE("a message is not copied by accident, and moves without an exception") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<frame>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<message>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<frame>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<message>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<message>);
  STATIC_REQUIRE(sizeof(frame) == 72);
  STATIC_REQUIRE(sizeof(message) == 96);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<frame, char(&)[4]>);
}

TEST_CASE("a long string is taken over, and a long frame is moved, without a copy of its bytes") {
  std::string text = long_text;
  const void* const at = text.data();
  frame f(std::move(text));
  CHECK(f.data() == at);
  frame g = std::move(f);
  CHECK(g.data() == at);
  CHECK(f.empty());  // NOLINT: what was moved from is empty
  message m(std::move(g));
  message n = std::move(m);
  CHECK(n.front().data() == at);
  CHECK(m.empty());  // NOLINT
  n = message("other");
  CHECK(n.text() == "other");
  n = message::of("a", "b");
  n = frame("only");
  CHECK(n == message("only"));
  n.push_back("more");
  CHECK(n == message::of("only", "more"));
  n = "text";
  CHECK(n == message("text"));
}

TEST_CASE("copies share long bytes until one of them is to be written") {
  frame f(long_text);
  frame g = f.copy();
  CHECK(g.data() == f.data());
  g.writable()[0] = std::byte{'y'};
  CHECK(f == long_text);
  CHECK(g.text()[0] == 'y');
  const std::byte* const own = g.data();
  g.writable()[1] = std::byte{'y'};  // nobody else has it
  CHECK(g.data() == own);

  frame small("abc");
  frame other = small.copy();
  other.writable()[0] = std::byte{'x'};
  CHECK(small == "abc");
  CHECK(other == "xbc");
}

TEST_CASE("a frame of a size is filled by whoever asked for it") {
  for (const std::size_t size : {0, 5, 71, 72, 5000}) {
    frame f = frame::of_size(size);
    REQUIRE(f.size() == size);
    const std::byte* const at = f.data();
    for (std::byte& b : f.writable()) b = std::byte{'z'};
    CHECK(f == std::string(size, 'z'));
    CHECK(f.data() == at);
  }
}

TEST_CASE("a message is its frames, in order") {
  message m = message::of("a", std::string("b"), frame("c"), long_text);
  REQUIRE(m.size() == 4);
  CHECK(m.bytes() == 3 + long_text.size());
  CHECK(m[0] == "a");
  CHECK(m[2] == "c");
  CHECK(m.back() == long_text);
  CHECK(m.text() == long_text);
  std::string all;
  for (const frame& f : std::as_const(m)) all += f.text();
  CHECK(all == "abc" + long_text);
  for (frame& f : m) f = frame("-");
  CHECK(m == message::of("-", "-", "-", "-"));
  CHECK_FALSE(m == message::of("-", "-", "-"));
  m.clear();
  CHECK(m.empty());
  CHECK(m.text() == "");
  CHECK(m == message());
  CHECK_FALSE(message("") == message());  // one frame without bytes
}

TEST_CASE("an envelope is put before a message, and taken off again") {
  message m("body");
  for (int i = 0; i < 20; ++i) m.push_front(std::to_string(i));
  REQUIRE(m.size() == 21);
  CHECK(m.back() == "body");
  for (int i = 19; i >= 0; --i) CHECK(m.pop_front() == std::to_string(i));
  CHECK(m == message("body"));
  CHECK(m.pop_front() == "body");
  CHECK(m.empty());
  for (int i = 0; i < 20; ++i) m.push_back(std::to_string(i));
  CHECK(m.size() == 20);
  CHECK(m[7] == "7");
}

TEST_CASE("an envelope is taken off as a message, and put before another one") {
  for (std::size_t frames = 0; frames < 8; ++frames) {
    for (std::size_t n = 0; n <= frames; ++n) {
      message m, all;
      for (std::size_t i = 0; i < frames; ++i) m.push_back(std::to_string(i) + long_text);
      all = m.copy();
      message envelope = m.take_front(n);
      REQUIRE(envelope.size() == n);
      REQUIRE(m.size() == frames - n);
      for (std::size_t i = 0; i < frames; ++i) REQUIRE((i < n ? envelope[i] : m[i - n]) == all[i]);
      m.prepend(std::move(envelope));
      REQUIRE(m == all);
      REQUIRE(envelope.empty());  // NOLINT: what was moved from is empty
      m.push_back("end");
      m.push_front("begin");
      REQUIRE(m.size() == frames + 2);
      REQUIRE(m.back() == "end");
    }
  }
}

TEST_CASE("frames come and go at both ends at a cost that does not grow with their number") {
  // Quadratic this would be more frames moved than a test has time for.
  constexpr std::size_t many = 100'000;
  message m("0");
  for (std::size_t i = 1; i < many; ++i) m.push_front(std::to_string(i));
  for (std::size_t i = 0; i < many; ++i) {  // as a queue, full all the time
    m.push_back(m.pop_front());
    if (i % 2) m.push_front(m.pop_front());
  }
  bool same = m.size() == many;
  for (std::size_t i = many; i > 0; --i) same = same && m.pop_front() == std::to_string(i - 1);
  CHECK(same);
  CHECK(m.empty());
}

TEST_CASE("whatever is done at both ends of a message is done to its frames in order") {
  message m;
  std::deque<std::string> model;
  std::uint32_t random = 1;
  const auto below = [&](std::uint32_t n) { return (random = random * 1'103'515'245 + 12'345) / 65'536 % n; };
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = (i % 3 ? std::string() : long_text) + std::to_string(i);
    switch (below(6)) {
      case 0:
      case 1:
        m.push_back(text), model.push_back(text);
        break;
      case 2:
        m.push_front(text), model.push_front(text);
        break;
      case 3:
        if (model.empty()) break;
        REQUIRE(m.pop_front() == model.front());
        model.pop_front();
        break;
      case 4: {
        message envelope = m.take_front(below(static_cast<std::uint32_t>(model.size()) + 1));
        if (below(2)) envelope.push_front(text), model.push_front(text);
        m.prepend(std::move(envelope));
        break;
      }
      default:
        if (below(20) == 0) m.reserve(below(40));
        for (std::uint32_t n = below(5); n > 0 && !model.empty(); --n) m.pop_front(), model.pop_front();
    }
    const bool same = std::equal(m.begin(), m.end(), model.begin(), model.end(),
                                 [](const frame& f, const std::string& s) { return f == s; });
    REQUIRE(same);
  }
}

TEST_CASE("one of its own frames becomes the whole message") {
  for (const std::string& text : {std::string("short"), long_text}) {
    message m = message::of("a", "b", text);
    m = std::move(m.back());
    CHECK(m == message(text));
    message n = message::of(text, "b");
    n = std::move(n.front());
    CHECK(n == message(text));
  }
}

TEST_CASE("a message tells what memory it takes: its frames, and their bytes") {
  CHECK(message().footprint() == sizeof(message));
  CHECK(message("short").footprint() == sizeof(message));
  CHECK(message(long_text).footprint() >= sizeof(message) + 1000);
  CHECK(message(long_text).footprint() <= sizeof(message) + 1000 + 64);
  message m;
  for (int i = 0; i < 1000; ++i) m.push_back("");
  CHECK(m.bytes() == 0);
  CHECK(m.footprint() >= 1000 * sizeof(frame));
  for (int i = 0; i < 999; ++i) m.pop_front();
  CHECK(m.footprint() >= 1000 * sizeof(frame));  // it still has that
  CHECK(m.footprint() <= 2 * 1000 * sizeof(frame) + sizeof(message));
}

TEST_CASE("a copied message has the same frames, and its own") {
  message m = message::of("a", long_text);
  message n = m.copy();
  CHECK(m == n);
  CHECK(n[1].data() == m[1].data());
  n[0] = frame("b");
  CHECK(m[0] == "a");
  CHECK(message().copy().empty());
}

TEST_CASE("threads share the bytes of a frame, and the last one frees them") {
  frame f(long_text);
  std::vector<std::thread> threads;
  std::vector<int> same(4);
  for (std::size_t t = 0; t < same.size(); ++t)
    threads.emplace_back([&same, t, mine = f.copy()] {
      for (int i = 0; i < 1000; ++i) same[t] += mine.copy() == long_text;
    });
  f = frame();
  for (std::thread& t : threads) t.join();
  CHECK(same == std::vector<int>(4, 1000));
}
