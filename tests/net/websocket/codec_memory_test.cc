// What the codec does when there is no memory.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "tests/net/websocket/frames.h"
#include "weir/net/websocket/codec.h"

using namespace weir::net::websocket;
using wire::frame;

namespace {

long allocations_left = -1;  // until one fails; below 0: none does

bool refused() noexcept { return allocations_left >= 0 && allocations_left-- == 0; }

}  // namespace

// All forms of them: those of a sanitizer do not come by these.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return refused() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& t) noexcept { return operator new(size, t); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

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
      allocations_left = nth;
      last = d.next(rest, m);
      allocations_left = -1;
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
  bool failed = false;
  allocations_left = 0;
  try {
    out.add(text, m);
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  allocations_left = -1;
  CHECK(failed);
  CHECK(text == "before");
  out.add(text, m);
  CHECK(wire::read(text.substr(6)).events.at(0).what == m);
}
