#include "weir/net/zmtp/socket_type.h"

#include <array>

namespace weir::net::zmtp {
namespace {

constexpr std::array<std::string_view, socket_types> names = {"PAIR",   "PUB",  "SUB",  "REQ",  "REP", "DEALER",
                                                              "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"};

constexpr unsigned bit(socket_type t) { return 1u << static_cast<unsigned>(t); }

// Whom each may talk to, in the order of the enumeration.
constexpr std::array<unsigned, socket_types> peers = [] {
  using enum socket_type;
  return std::array<unsigned, socket_types>{
      bit(pair),                             // PAIR
      bit(sub) | bit(xsub),                  // PUB
      bit(pub) | bit(xpub),                  // SUB
      bit(rep) | bit(router),                // REQ
      bit(req) | bit(dealer),                // REP
      bit(rep) | bit(dealer) | bit(router),  // DEALER
      bit(req) | bit(dealer) | bit(router),  // ROUTER
      bit(push),                             // PULL
      bit(pull),                             // PUSH
      bit(sub) | bit(xsub),                  // XPUB
      bit(pub) | bit(xpub),                  // XSUB
  };
}();

}  // namespace

std::string_view name(socket_type t) noexcept { return names[static_cast<std::size_t>(t)]; }

std::optional<socket_type> socket_type_named(std::string_view text) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return static_cast<socket_type>(i);
  return {};
}

bool legal(socket_type a, socket_type b) noexcept { return (peers[static_cast<std::size_t>(a)] & bit(b)) != 0; }

}  // namespace weir::net::zmtp
