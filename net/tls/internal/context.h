// What tls_client and tls_server are: OpenSSL's SSL_CTX, set up, and what goes with it.
//
// Thread-safety: immutable after construction, but for the sessions, which lock for themselves.
#pragma once

#include <chrono>
#include <string>

#include "weir/net/tls/internal/openssl.h"
#include "weir/net/tls/internal/session_cache.h"
#include "weir/net/tls/tls_client.h"
#include "weir/net/tls/tls_server.h"

namespace weir::net::internal {

struct tls_context {
  // Read files, and so block. Throw as the constructors of tls_client and tls_server, but for misuse.
  explicit tls_context(const tls_client_options& options);
  explicit tls_context(const tls_server_options& options);
  tls_context(const tls_context&) = delete;

  const bool is_server;
  const bool verifies;          // whether certificates of peers are looked at
  const std::string protocols;  // ALPN, as on the wire: each with its length before it
  const std::chrono::nanoseconds handshake_limit;
  session_cache sessions;
  ssl_ctx_ptr ctx;  // goes first: it calls back
};

}  // namespace weir::net::internal
