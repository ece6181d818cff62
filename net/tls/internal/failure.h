// Why a TLS connection has failed: from OpenSSL's codes to words.
//
// Thread-safety: explain() reads the calling thread's queue of OpenSSL errors; it must run on the thread of the call
// that has failed, with no park between.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/net/tls/internal/openssl.h"
#include "weir/net/tls/tls_error.h"

namespace weir::net::internal {

struct tls_failure {
  tls_errc kind;
  int code;          // the errno of io_result: ECONNRESET or EPROTO
  std::string text;  // what happened, and the remedy
};

// What verification found against the peer's chain.
struct refused_certificate {
  int error = X509_V_OK;
  x509_ptr which;
};

// What a peer says of itself, for errors: as it is where it is printable ASCII, otherwise as \xNN; at most `most`
// bytes.
std::string printable(std::string_view said, std::size_t most);

// Leaves the queue empty. `host`: whom a client wanted.
tls_failure explain(bool is_server, bool agreed, const std::string& host, const refused_certificate& refused);

// The connection has ended without close_notify.
tls_failure truncated(bool agreed);

}  // namespace weir::net::internal
