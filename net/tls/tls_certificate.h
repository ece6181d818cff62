// weir::net::tls_certificate: what a peer's certificate says.
//
// Thread-safety: a value.
#pragma once

#include <string>
#include <vector>

namespace weir::net {

struct tls_certificate {
  std::string subject;                  // "CN=example.org,O=Example" (RFC 2253)
  std::string issuer;                   // the same of whoever signed it
  std::vector<std::string> names;       // hosts and addresses it is for: "example.org", "*.example.org", "127.0.0.1"
  std::string valid_from, valid_until;  // "Nov 21 18:00:00 2026 GMT"
  std::string pem;                      // itself
};

}  // namespace weir::net
