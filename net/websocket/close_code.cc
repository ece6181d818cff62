#include "weir/net/websocket/close_code.h"

namespace weir::net::websocket {

bool may_be_sent(close_code c) noexcept {
  const auto n = static_cast<unsigned>(c);
  if (n >= 3000) return n <= 4999;
  return (n >= 1000 && n <= 1003) || (n >= 1007 && n <= 1014);
}

std::string_view name_of(close_code c) noexcept {
  switch (c) {
    case close_code::normal:
      return "normal";
    case close_code::going_away:
      return "going_away";
    case close_code::protocol_error:
      return "protocol_error";
    case close_code::unsupported_data:
      return "unsupported_data";
    case close_code::no_code:
      return "no_code";
    case close_code::abnormal:
      return "abnormal";
    case close_code::bad_text:
      return "bad_text";
    case close_code::policy:
      return "policy";
    case close_code::too_big:
      return "too_big";
    case close_code::extension:
      return "extension";
    case close_code::internal_error:
      return "internal_error";
    case close_code::restart:
      return "restart";
    case close_code::try_again_later:
      return "try_again_later";
    case close_code::bad_gateway:
      return "bad_gateway";
    case close_code::tls:
      return "tls";
  }
  return "other";
}

std::string close_reason::describe() const {
  std::string all = std::to_string(static_cast<unsigned>(code)) + " (" + std::string(name_of(code)) + ")";
  if (!text.empty()) all += ": " + text;
  return all;
}

}  // namespace weir::net::websocket
