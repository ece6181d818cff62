// What a certificate says, as text.
//
// Thread-safety: all of it.
#pragma once

#include <string>
#include <vector>

#include "weir/net/tls/internal/openssl.h"
#include "weir/net/tls/tls_certificate.h"

namespace weir::net::internal {

tls_certificate describe(X509& of);
// "CN=example.org,O=Example" (RFC 2253).
std::string text_of(const X509_NAME* name);
// The hosts and addresses it is for.
std::vector<std::string> names_of(X509& of);
// "Nov 21 18:00:00 2026 GMT"
std::string text_of(const ASN1_TIME* time);

}  // namespace weir::net::internal
