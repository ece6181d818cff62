// weir::net::http::response: an answer, with or without its body.
//
// Thread-safety: a value.
#pragma once

#include <string>

#include "weir/net/http/headers.h"
#include "weir/net/http/request.h"
#include "weir/net/http/status.h"

namespace weir::net::http {

struct response {
  http::status status = http::status::ok;
  std::string reason = {};  // empty: reason_of(status)
  http::version version = http::version::http_1_1;
  http::headers headers = {};
  std::string body = {};  // if it was read, or is to be written, as a whole

  // Whether the connection goes on after this, as far as this tells (RFC 9112, 9.3): not if the body ends with it.
  bool keeps_alive() const noexcept;
};

}  // namespace weir::net::http
