// weir::net::http::client: asks http and https servers, over connections that are kept for the next request.
//   http::client web;
//   http::fetched page = web.fetch("https://example.org/", {.timeout = 5s});
//   http::incoming large = web.open("https://example.org/large");      // and its body piece by piece
//
// Thread-safety: client: all of it, by any actor on any worker, and by plain threads, which then block. incoming: one
// at a time.
//
// Every call parks: the name servers' and the server's bytes wake it, room for its own, and a place among the
// connections to the host. The request's deadline ends it with http::error (kind timeout) and is never overrun by a
// wait, but that of a client's first https request by the files with the system's CAs, unless client_options::tls is
// given; a cancel throws weir::cancelled and closes the connection; there is nothing else to close. What fails throws
// http::error; a response is a response, whatever its status. All of it allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weir/net/buffer.h"
#include "weir/net/http/client_options.h"
#include "weir/net/http/error.h"
#include "weir/net/http/fetched.h"
#include "weir/runtime/base/site.h"

namespace weir::net::http {
namespace internal {
struct client_core;
class client_exchange;
}  // namespace internal

// A response whose body is still to be read. While it lives it holds a connection.
class incoming {
 public:
  incoming(std::unique_ptr<internal::client_exchange> from, fetched head);
  incoming(incoming&&) noexcept;
  incoming& operator=(incoming&&) noexcept;
  // Closes the connection if the body has not been read to its end; does not park.
  ~incoming();

  // Its body is empty.
  const fetched& head() const noexcept { return head_; }
  // What has come, at least one byte; 0: the body is whole. Throws http::error: truncated, coding, too_large, timeout,
  // protocol; then, or after a cancel, the connection is gone. An empty buffer is misuse.
  std::size_t read_some(mutable_buffer into, site where = site::current());
  // The rest of it. Throws http::error too_large if it has more than `most` bytes.
  std::string read_all(std::uint64_t most);

 private:
  std::unique_ptr<internal::client_exchange> from_;
  fetched head_;
};

class client {
 public:
  // Throws misuse (per_host < 1). Does not park.
  explicit client(client_options options = {}, site where = site::current());
  client(const client&) = delete;
  // REQUIRES: no call is in progress. Those bodies that are still being read may go on.
  ~client();

  // The response with all of its body, at most client_options::limits.body.
  fetched fetch(std::string_view url, const fetch_options& options = {}, site where = site::current());
  // The response as soon as its head is there. Retries do not reach beyond that.
  incoming open(std::string_view url, const fetch_options& options = {}, site where = site::current());

  // Closes the connections that nobody uses. Does not park.
  void close_idle();

  struct statistics {
    std::uint64_t connected = 0;  // connections that were made
    std::uint64_t reused = 0;     // requests that found one
    std::uint64_t stale = 0;      // connections that the server had closed when they were to be used again
    std::size_t idle = 0;         // connections that nobody uses now
  };
  statistics stats() const;

 private:
  std::shared_ptr<internal::client_core> core_;
};

// For one request; who makes several makes a client.
fetched fetch(std::string_view url, const fetch_options& options = {}, site where = site::current());

}  // namespace weir::net::http
