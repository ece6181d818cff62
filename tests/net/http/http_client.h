// A client for tests of the server: writes what it is told, byte for byte, and reads whole answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "tests/testing.h"
#include "weir/net/http/reader.h"
#include "weir/net/http/server.h"
#include "weir/net/memory_stream.h"
#include "weir/net/stream.h"
#include "weir/runtime/scope.h"

namespace testing {

// No deadline of the server ends what a slow machine does; a test sets those that it is about.
inline weir::net::http::server_options patient(weir::net::http::server_options o = {}) {
  o.head_time = o.idle_time = o.read_pause = o.write_pause = o.linger_time = std::chrono::minutes(10);
  return o;
}

class http_client {
 public:
  explicit http_client(weir::net::stream s) : stream_(std::move(s)) {}

  const weir::net::stream& stream() const { return stream_; }
  void send(std::string_view text) { EXPECT(stream_.write_all(text)); }

  // The next answer, interim ones included, with its body. If it is not whole its status is 0, and its body says why.
  weir::net::http::response receive(weir::net::http::method asked = weir::net::http::method::get) {
    using weir::net::http::input;
    weir::net::http::response got;
    in_.expect(asked);
    for (;;) {
      switch (in_.next()) {
        case input::head:
          got = in_.take_head();
          break;
        case input::body:
          got.body += in_.piece();
          break;
        case input::end:
          return got;
        case input::failed:
          return {.status = {}, .body = in_.failure().text() + " behind " + got.body};
        case input::more: {
          const auto r = stream_.read_some(in_.room());
          in_.filled(r.bytes);
          if (r.status == weir::net::io_status::end)
            in_.ended();
          else if (!r)
            return {.status = {}, .body = name_of(r.status)};
          if (!r && in_.at_boundary()) return {.status = {}, .body = "end"};
        }
      }
    }
  }
  weir::net::http::response ask(std::string_view request) {
    send(request);
    return receive();
  }
  // Nothing comes any more, and nothing is left.
  bool at_end() { return receive().body == "end"; }
  // What came behind the last answer, or comes next.
  std::string raw() {
    std::string text = in_.take_unread();
    if (!text.empty()) return text;
    text.resize(4096);
    text.resize(stream_.read_some(text).bytes);
    return text;
  }

 private:
  weir::net::stream stream_;
  weir::net::http::response_reader in_;
};

// Runs `talk(http_client&)` against `web` over a pair in memory, and closes it; `pieces`: the server reads so many
// bytes at once.
template <class Talk>
void with_client(weir::net::http::server& web, Talk talk, std::size_t pieces = 1 << 20) {
  auto ends = weir::net::memory_pair();
  ends.a_to_b.most_per_read(pieces);
  http_client client(std::move(ends.a));
  weir::with_scope([&](weir::scope& s) {
    s.spawn("server", [&web, conn = std::move(ends.b)]() mutable { web.serve_one(std::move(conn)); });
    talk(client);
    client.stream().close();
  });
}

inline unsigned code(const weir::net::http::response& r) { return code_of(r.status); }

}  // namespace testing
