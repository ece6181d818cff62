// The handshake of a tls_core, from the first byte to what was agreed on.
#include <algorithm>
#include <utility>

#include "weir/net/tls/internal/tls_core.h"
#include "weir/net/tls/tls_error.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {

void tls_core::handshake(deadline limit) {
  limit = std::min(limit, deadline(context_->handshake_limit));
  if (const std::string_view early = below_.unread(); !early.empty()) {
    engine_.give(early);
    below_.consume(early.size());
  }
  for (;;) {
    step s;
    {
      std::lock_guard guard(lock_);
      s = engine_.handshake();
      answers_ = s == step::failed;  // the alert that tells the peer
    }
    if (s == step::failed) {
      flush_at_once();
      fail_handshake({io_status::reset, 0, 0});
    }
    const bool tickets = s == step::done && context_->is_server && SSL_version(&engine_.ssl()) == TLS1_3_VERSION;
    if (!tickets)
      if (const io_result r = flush(limit); !r) fail_handshake(r);
    if (s == step::done) return agree();
    if (s == step::end) fail_handshake({io_status::end, 0, 0});
    if (const io_result r = refill(limit); !r) fail_handshake(r);
    // A peer that sends, and comes to no end, does not outlast a deadline or a cancel either.
    weir::internal::spend_operation();
    weir::internal::closed_or_cancelled("handshake");
    if (limit.expired()) fail_handshake({io_status::timeout, 0, 0});
  }
}

void tls_core::fail_handshake(io_result r) {
  const char* const operation = "handshake";
  std::optional<tls_failure> f;
  {
    std::lock_guard guard(lock_);
    f = engine_.why() ? engine_.why() : torn_;
  }
  if (r.status != io_status::timeout) weir::internal::closed_or_cancelled(operation);
  if (r.status == io_status::timeout) throw error(make_error_code(errc::timeout), operation, name_);
  if (r.status == io_status::closed) throw error(make_error_code(errc::closed), operation, name_);
  if (!f && r.status == io_status::end) f = truncated(false);
  if (f) throw tls_error(f->kind, operation, name_, f->text);
  throw error(r.code, operation, name_);
}

void tls_core::agree() {
  SSL& ssl = engine_.ssl();
  agreed_.version = SSL_get_version(&ssl);
  agreed_.cipher = SSL_get_cipher_name(&ssl);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&ssl, &protocol, &size);
  agreed_.alpn.assign(reinterpret_cast<const char*>(protocol), size);
  if (const char* const host = SSL_get_servername(&ssl, TLSEXT_NAMETYPE_host_name)) agreed_.host = host;
  agreed_.resumed = SSL_session_reused(&ssl) == 1;
  peer_.reset(SSL_get1_peer_certificate(&ssl));
}

}  // namespace weir::net::internal
