// weir::net::tls_agreement: what a handshake has come to.
//
// Thread-safety: a value.
#pragma once

#include <string>

namespace weir::net {

struct tls_agreement {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  std::string alpn;     // the protocol; empty: none
  std::string host;     // the name that the client asked for (SNI); empty: none
  bool resumed = false;
};

}  // namespace weir::net
