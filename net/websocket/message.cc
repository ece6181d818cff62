#include "weir/net/websocket/message.h"

#include "weir/net/websocket/internal/utf8.h"

namespace weir::net::websocket {

bool is_utf8(std::string_view bytes) noexcept {
  internal::utf8_check check;
  return check.add(bytes) == bytes.size() && check.at_boundary();
}

}  // namespace weir::net::websocket
