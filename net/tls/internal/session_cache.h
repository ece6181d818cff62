// The sessions that a client may resume, by server.
//
// Thread-safety: all of it. A std::mutex, never held over a park.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "weir/net/tls/internal/openssl.h"

namespace weir::net::internal {

class session_cache {
 public:
  // Keeps at most `most`; the oldest goes first.
  explicit session_cache(std::size_t most) noexcept : most_(most) {}

  bool keeps_any() const noexcept { return most_ > 0; }
  // Takes `session` over, unless it throws std::bad_alloc.
  void put(const std::string& server, SSL_SESSION* session);
  // The latest of that server; null: none. One of TLS 1.3 is taken out.
  session_ptr take(const std::string& server);

 private:
  const std::size_t most_;
  std::mutex lock_;
  std::deque<std::pair<std::string, session_ptr>> sessions_;  // guarded by lock_; the latest at the end
};

}  // namespace weir::net::internal
