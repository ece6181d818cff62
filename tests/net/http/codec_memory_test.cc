// What the codec does when there is no memory.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/http/events.h"
#include "weir/net/http/reader.h"

using namespace weir::net::http;

namespace {

long allocations_left = -1;  // until one fails; below 0: none does

bool refused() noexcept { return allocations_left >= 0 && allocations_left-- == 0; }

// next(), with the nth allocation in it failing, and then again.
struct short_of_memory {
  request_reader reader;
  long nth;
  int failures = 0;

  input next() {
    allocations_left = nth;
    try {
      const input got = reader.next();
      allocations_left = -1;
      return got;
    } catch (const std::bad_alloc&) {
      allocations_left = -1;
      ++failures;
    }
    return reader.next();
  }
  std::size_t feed(weir::net::const_buffer bytes) { return reader.feed(bytes); }
  const request& head() const { return reader.head(); }
  std::string_view piece() const { return reader.piece(); }
  const headers& trailers() const { return reader.trailers(); }
  const violation& failure() const { return reader.failure(); }
};

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
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("a message that finds no memory is read the same when it is asked for again") {
  const std::string long_value(40, 'v');  // longer than what a string keeps in itself
  const std::string messages = "\r\n\r\nPOST /" + std::string(40, 'p') +
                               " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX: " + long_value +
                               "\r\n\r\n5;a=" + long_value + "\r\nhello\r\n0\r\nX-Trailer: " + long_value +
                               "\r\nX-Other: 1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nX: " + long_value +
                               "\r\n\r\nGET / HTTP/1.1\nHost: x\n\n";
  const std::vector<std::string> wanted = testing::events(messages);
  REQUIRE(wanted.size() == 6);  // two messages and a failure
  int failures = -1;
  for (long nth = 0; failures != 0; ++nth) {
    short_of_memory in{request_reader(), nth};
    REQUIRE(testing::events_of(in, messages) == wanted);
    failures = in.failures;
  }
}
