// weir::net::tls_error: why there is no TLS connection, or why it is one no longer: "handshake tls+tcp://127.0.0.1:443
// (example.org): the server's certificate has expired (...)". The reason in words, and a remedy.
//   tls_errc    which of the usual kinds it is
//
// Thread-safety: a value; copies share their text.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "weir/net/error.h"

namespace weir::net {

enum class tls_errc : std::uint8_t {
  untrusted = 1,  // the peer's certificate: expired, for another host, of an unknown CA, or none where one is needed
  refused,        // the peer has given up, and sent an alert that says why
  no_agreement,   // no version, cipher or protocol (ALPN) that both sides have
  not_tls,        // what came is not TLS
  truncated,      // the connection ended without TLS's own end (close_notify): something may be missing
  broken,         // what came was damaged, or breaks TLS's rules
  unusable,       // the certificate, key or CA that this side was given
};

const std::error_category& tls_category() noexcept;  // "weir.tls"
std::error_code make_error_code(tls_errc e) noexcept;

class tls_error : public error {
 public:
  // `happened`: in words, with the remedy.
  tls_error(tls_errc kind, std::string operation, std::string subject, const std::string& happened)
      : error(make_error_code(kind), std::move(operation), std::move(subject), happened) {}

  tls_errc kind() const noexcept { return static_cast<tls_errc>(code().value()); }
};

}  // namespace weir::net

template <>
struct std::is_error_code_enum<weir::net::tls_errc> : std::true_type {};
