// weir::net::tls_version: older ones than 1.2 are not spoken at all (RFC 8996).
#pragma once

#include <cstdint>

namespace weir::net {

enum class tls_version : std::uint8_t { v1_2, v1_3 };

}  // namespace weir::net
