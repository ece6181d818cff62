// What a client is: its options, its connections, and TLS when it is needed.
//
// Thread-safety: all of it.
#pragma once

#include <optional>
#include <utility>

#include "weir/net/http/client_options.h"
#include "weir/net/http/internal/connection_pool.h"
#include "weir/net/tls/tls_client.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/sync/once.h"

namespace weir::net::http::internal {

struct client_core {
  explicit client_core(client_options o)
      : options(std::move(o)),
        pool({.per_host = options.per_host, .connections = options.connections, .idle_time = options.idle_time}),
        tls(options.tls) {}

  const client_options options;
  connection_pool pool;

  // Parks for as long as it takes to read whom the system trusts, once. Null: `limit` came.
  const tls_client* tls_in_time(deadline limit) {
    const bool there = made_tls.call(
        [this] {
          if (!tls) tls.emplace();
        },
        limit);
    return there ? &*tls : nullptr;
  }

 private:
  once made_tls;
  std::optional<tls_client> tls;  // written by made_tls only
};

}  // namespace weir::net::http::internal
