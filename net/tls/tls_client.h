// weir::net::tls_client: what the client's side of TLS connections is made with: whom to trust, a certificate of its
// own, and the sessions that later connections resume.
//   const net::tls_client tls;                                          // trusts whom the system trusts
//   auto s = net::start_tls(net::tcp_connect(to, 5s), tls, "example.org", 5s);
//
// Thread-safety: all of it; copies refer to the same. Make one, and use it for all connections: to read the system's
// CAs takes tens of milliseconds, and sessions are resumed only from the same one.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "weir/net/tls/pem.h"
#include "weir/net/tls/tls_version.h"
#include "weir/runtime/base/site.h"

namespace weir::net {
namespace internal {
struct tls_context;
}

struct tls_client_options {
  // The certificates of CAs that are trusted, and nobody else. None: the system's (/etc/ssl/certs, or as SSL_CERT_FILE
  // and SSL_CERT_DIR say). A self-signed certificate given here is trusted as well.
  std::vector<pem> ca = {};
  // False: whoever answers is believed to be the host. Whoever sits between reads and changes everything.
  bool verify = true;
  // For servers that ask for one: the certificate, then those between it and the CA; and its key, without a passphrase.
  pem certificate = {}, key = {};
  // The protocols to be offered (ALPN), the best first: {"h2", "http/1.1"}.
  std::vector<std::string> alpn = {};
  tls_version oldest = tls_version::v1_2, newest = tls_version::v1_3;
  // How many sessions are kept, of all servers, for later connections, which then need no certificate and less time.
  // 0: none. Each is used for one connection with TLS 1.3 (RFC 8446, C.4).
  std::size_t sessions = 256;
  // A handshake, all of it, takes no longer.
  std::chrono::nanoseconds handshake_limit = std::chrono::seconds(10);
};

class tls_client {
 public:
  // Parks while a thread of the blocking pool reads the files, as weir::blocking does. Throws net::error (a file cannot
  // be read), tls_error (unusable: what is in it), misuse (a certificate without its key; a protocol's name that is
  // empty or longer than 255). Allocates.
  explicit tls_client(const tls_client_options& options = {}, site where = site::current());
  tls_client(const tls_client&) = default;
  tls_client& operator=(const tls_client&) = default;

  const std::shared_ptr<internal::tls_context>& shared() const noexcept { return context_; }

 private:
  std::shared_ptr<internal::tls_context> context_;
};

}  // namespace weir::net
