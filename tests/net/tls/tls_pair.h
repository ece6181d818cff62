// Handshakes between two ends of a test, each in an actor of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/memory_stream.h"
#include "weir/net/stream.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/scope.h"

namespace testing {

// One end; `failure` is what its handshake threw.
struct tls_end {
  weir::net::tls_stream stream;
  std::optional<weir::net::error> failure = {};

  std::string what() const { return failure ? failure->what() : ""; }
};
struct tls_ends {
  tls_end client, server;
};

// Both sides shake hands, or fail.
inline tls_ends shake(weir::net::stream a, weir::net::stream b, const weir::net::tls_client& client,
                      const weir::net::tls_server& server, const std::string& host = "good.test",
                      weir::deadline limit = {}) {
  tls_ends ends;
  const auto attempt = [](tls_end& into, auto start) {
    try {
      into.stream = start();
    } catch (const weir::net::error& e) {
      into.failure = e;
    }
  };
  weir::with_scope([&](weir::scope& s) {
    s.spawn("server", [&] { attempt(ends.server, [&] { return weir::net::start_tls(std::move(b), server, limit); }); });
    s.spawn("client",
            [&] { attempt(ends.client, [&] { return weir::net::start_tls(std::move(a), client, host, limit); }); });
  });
  return ends;
}

// What is there, as text; at most `most`.
inline std::string some(const weir::net::stream& s, std::size_t most = 4096) {
  std::string got(most, '\0');
  const auto r = s.read_some(got);
  got.resize(r.bytes);
  return got;
}
// Up to what ends it.
inline std::string rest_of(const weir::net::stream& s, weir::net::io_status* how = nullptr) {
  std::string all, part(4096, '\0');
  for (;;) {
    const auto r = s.read_some(part);
    all.append(part, 0, r.bytes);
    if (r) continue;
    if (how != nullptr) *how = r.status;
    return all;
  }
}

// A client and a server with the test between them: it passes on what it wants to.
struct tls_middle {
  weir::net::tls_stream client, server;
  weir::net::stream to_client, to_server;        // the test's
  weir::net::stream below_client, below_server;  // the ends'
};

// Passes on all that comes until it is cancelled.
inline void pass_on(const weir::net::stream& from, const weir::net::stream& to) {
  std::string part(4096, '\0');
  while (const auto r = from.read_some(part)) EXPECT(to.write_all(std::string_view(part).substr(0, r.bytes)));
}

inline tls_middle shake_through(const weir::net::tls_client& client, const weir::net::tls_server& server) {
  auto left = weir::net::memory_pair(), right = weir::net::memory_pair();
  tls_middle m;
  m.to_client = std::move(left.b), m.to_server = std::move(right.b);
  m.below_client = left.a.share(), m.below_server = right.a.share();
  weir::with_scope([&](weir::scope& s) {
    s.spawn("up", [&] { pass_on(m.to_client, m.to_server); });
    s.spawn("down", [&] { pass_on(m.to_server, m.to_client); });
    auto ends = shake(std::move(left.a), std::move(right.a), client, server);
    EXPECT(ends.client.what() == "");
    EXPECT(ends.server.what() == "");
    m.client = std::move(ends.client.stream), m.server = std::move(ends.server.stream);
    s.cancel();
  });
  return m;
}

}  // namespace testing
