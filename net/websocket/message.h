// What WebSocket connections send and receive.
//   message    text or binary, and its bytes
//   is_utf8    whether bytes may go as text
//   role       which side of a connection this is: the client masks what it sends
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir::net::websocket {

enum class role : std::uint8_t { client, server };

enum class message_kind : std::uint8_t { text, binary };

// Text is UTF-8: what is received has been checked; what is sent is checked by whoever receives it, and ends the
// connection if it is not. So what comes from elsewhere wants a look before.
bool is_utf8(std::string_view bytes) noexcept;

struct message {
  std::string data = {};
  message_kind kind = message_kind::text;

  static message text(std::string utf8) { return {std::move(utf8), message_kind::text}; }
  static message binary(std::string bytes) { return {std::move(bytes), message_kind::binary}; }

  friend bool operator==(const message&, const message&) = default;
};

}  // namespace weir::net::websocket
