// weir::net::tls_server: what the server's side of TLS connections is made with: its certificate and key, and whom it
// lets in.
//   const net::tls_server tls({.certificate = net::pem::file("server.pem"), .key = net::pem::file("server.key")});
//   for (auto& conn : listener) s.spawn([&, c = std::move(conn)]() mutable { serve(net::start_tls(std::move(c), tls));
//   });
//
// Thread-safety: all of it; copies refer to the same.
#pragma once

#include <chrono>
#include <cstdint>
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

// Whether a server asks its clients for certificates.
enum class tls_clients : std::uint8_t {
  anybody,  // does not ask
  known,    // only those with a certificate of client_ca
  either,   // a certificate that is sent must be of client_ca; without one tls_stream::peer() is empty
};

struct tls_server_options {
  // The certificate, then those between it and the CA; and its key, without a passphrase.
  pem certificate = {}, key = {};
  // The protocols that are spoken (ALPN), the best first. A client that offers protocols, but none of these, is
  // refused; one that offers none is not.
  std::vector<std::string> alpn = {};
  tls_clients clients = tls_clients::anybody;
  // Whose certificates clients may have. REQUIRES one, if clients are asked.
  std::vector<pem> client_ca = {};
  tls_version oldest = tls_version::v1_2, newest = tls_version::v1_3;
  // Clients may resume sessions (with tickets; nothing is kept here).
  bool resume = true;
  // A handshake, all of it, takes no longer.
  std::chrono::nanoseconds handshake_limit = std::chrono::seconds(10);
};

class tls_server {
 public:
  // Parks, and throws, as the constructor of tls_client; misuse also without a certificate.
  explicit tls_server(const tls_server_options& options, site where = site::current());
  tls_server(const tls_server&) = default;
  tls_server& operator=(const tls_server&) = default;

  const std::shared_ptr<internal::tls_context>& shared() const noexcept { return context_; }

 private:
  std::shared_ptr<internal::tls_context> context_;
};

}  // namespace weir::net
