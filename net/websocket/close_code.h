// Why a WebSocket connection was closed, as a close frame says it (RFC 6455, section 7.4).
//   close_code      the codes that have a name; others are its values too
//   may_be_sent     whether a close frame may carry it
//   close_reason    a code and the words that came with it
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::net::websocket {

enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,  // a server goes down, a page is left
  protocol_error = 1002,
  unsupported_data = 1003,
  no_code = 1005,    // never sent: the close frame had none
  abnormal = 1006,   // never sent: there was no close frame
  bad_text = 1007,   // text that is no UTF-8
  policy = 1008,     // refused for a reason that no other code names
  too_big = 1009,    // a message over the limit
  extension = 1010,  // a client wanted an extension that the server lacks
  internal_error = 1011,
  restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls = 1015,  // never sent
};

// The names above, the registered 3000 to 3999, and the private 4000 to 4999; not what is marked "never sent".
bool may_be_sent(close_code c) noexcept;
// "normal", "going_away", ...; "other" for a code without a name.
std::string_view name_of(close_code c) noexcept;

struct close_reason {
  close_code code = close_code::abnormal;
  std::string text = {};

  // "1001 (going_away): bye".
  std::string describe() const;
  friend bool operator==(const close_reason&, const close_reason&) = default;
};

// Octets of a close frame's reason.
constexpr std::size_t most_close_text = 123;

}  // namespace weir::net::websocket
