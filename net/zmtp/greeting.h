// weir::net::zmtp::greeting: the 64 octets that each side sends first: version, security mechanism, role.
//   write_greeting    ours; all at once, as a peer that waits for part of it would wait for ever
//   greeting_reader   the peer's, from pieces of any size; a wrong octet is told as soon as it is there
//
// Thread-safety: one thread at a time. Origin: RFC 37, Formal Grammar and Version Negotiation.
//
// Not looked at, as the RFC wants or as libzmq needs it: the padding (octets 1 to 8), as-server (libzmq always sends
// 0), the filler (a later version may use it). Versions above 3.1 are accepted, and spoken to as 3.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/net/zmtp/violation.h"

namespace weir::net::zmtp {

inline constexpr std::size_t greeting_size = 64;
inline constexpr std::size_t mechanism_size = 20;

struct protocol_version {
  std::uint8_t major = 3, minor = 1;
  // PING, SUBSCRIBE and CANCEL are commands from 3.1 on.
  bool has_commands() const noexcept { return major > 3 || (major == 3 && minor >= 1); }
  friend bool operator==(const protocol_version&, const protocol_version&) = default;
};

// Appends our greeting. REQUIRES: the mechanism's name has at most 20 characters.
void write_greeting(std::string& out, std::string_view mechanism, bool as_server, protocol_version ours = {});

class greeting_reader {
 public:
  // Takes from the front of `bytes` what belongs to the greeting, and returns how much that was. `mechanism`: ours.
  std::size_t take(std::string_view bytes, std::string_view mechanism, violation& failure);

  bool complete() const noexcept { return have_ == greeting_size; }
  // REQUIRES: complete()
  protocol_version version() const noexcept { return {octets_[10], octets_[11]}; }
  bool as_server() const noexcept { return octets_[32] == 1; }

 private:
  bool check(std::size_t at, std::string_view mechanism, violation& failure) const;

  std::array<std::uint8_t, greeting_size> octets_;  // [0, have_) are there
  std::size_t have_ = 0;
};

}  // namespace weir::net::zmtp
