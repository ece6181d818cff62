// weir::net::dns_errc: why a name has no addresses: what net::error of resolve() carries.
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <system_error>

namespace weir::net {

enum class dns_errc : std::uint8_t {
  no_such_name = 1,  // the name servers say so; the answer is good for all who ask
  no_address,        // the name exists, and has neither an IPv4 nor an IPv6 address
  not_a_name,        // the text cannot be a host name; nobody was asked
  silent,            // no name server has answered, several attempts long
  refused,           // the name servers do not want to answer
  failed,            // they tried and failed, or their answer makes no sense
  no_server,         // none can be reached
};

const std::error_category& dns_category() noexcept;  // "weir.dns"
std::error_code make_error_code(dns_errc e) noexcept;

}  // namespace weir::net

template <>
struct std::is_error_code_enum<weir::net::dns_errc> : std::true_type {};
