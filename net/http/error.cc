#include "weir/net/http/error.h"

#include <fmt/core.h>

namespace weir::net::http {

const char* name_of(error_kind k) noexcept {
  switch (k) {
    case error_kind::bad_url:
      return "bad_url";
    case error_kind::name:
      return "name";
    case error_kind::connect:
      return "connect";
    case error_kind::tls:
      return "tls";
    case error_kind::timeout:
      return "timeout";
    case error_kind::reset:
      return "reset";
    case error_kind::truncated:
      return "truncated";
    case error_kind::protocol:
      return "protocol";
    case error_kind::coding:
      return "coding";
    case error_kind::too_large:
      return "too_large";
    case error_kind::redirect:
      return "redirect";
    case error_kind::closed:
      return "closed";
  }
  return "?";
}

const char* name_of(phase p) noexcept {
  switch (p) {
    case phase::preparing:
      return "preparing the request";
    case phase::waiting:
      return "waiting for a connection to be free";
    case phase::connecting:
      return "connecting";
    case phase::handshake:
      return "shaking hands";
    case phase::sending:
      return "sending the request";
    case phase::head:
      return "waiting for the response";
    case phase::body:
      return "receiving the body";
  }
  return "?";
}

error::error(error_kind kind, http::phase phase, const std::string& method, const std::string& url,
             const std::string& happened, const std::string& remedy)
    : std::runtime_error(fmt::format("{} {}: {} ({}). {}", method, url, happened, name_of(phase), remedy)),
      kind_(kind),
      phase_(phase),
      texts_(std::make_shared<const texts>(texts{url, happened, remedy})) {}

}  // namespace weir::net::http
