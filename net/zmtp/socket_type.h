// weir::net::zmtp::socket_type: what kind of socket a peer is, and which kinds may talk to each other.
//
// Thread-safety: values. Origin: RFC 37, The Socket-Type Property; RFC 23 has the same as a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::net::zmtp {

enum class socket_type : std::uint8_t { pair, pub, sub, req, rep, dealer, router, pull, push, xpub, xsub };
inline constexpr int socket_types = 11;

std::string_view name(socket_type t) noexcept;                                 // "DEALER"
std::optional<socket_type> socket_type_named(std::string_view name) noexcept;  // the case counts, as for libzmq

// Whether the two may talk to each other; symmetric.
bool legal(socket_type a, socket_type b) noexcept;

// Those that announce an identity, and whose identity means something.
constexpr bool has_identity(socket_type t) noexcept {
  return t == socket_type::req || t == socket_type::dealer || t == socket_type::router;
}
// Those to whom a peer sends subscriptions.
constexpr bool takes_subscriptions(socket_type t) noexcept { return t == socket_type::pub || t == socket_type::xpub; }

}  // namespace weir::net::zmtp
