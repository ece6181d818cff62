// What the codec does when there is no memory.
#include <catch2/catch.hpp>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/http/events.h"
#include "tests/short_memory.h"
#include "weir/net/http/reader.h"

using namespace weir::net::http;

namespace {

// next(), with the nth allocation in it failing, and then again.
struct short_of_memory {
  request_reader reader;
  long nth;
  int failures = 0;

  input next() {
    try {
      const testing::short_memory one(nth, testing::short_memory::once);
      return reader.next();
    } catch (const std::bad_alloc&) {
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
