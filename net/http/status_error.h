// weir::net::http::status_error: a handler's way out, with what the client is to be told.
//   throw status_error(status::not_found, "there is no user 7");
//
// Thread-safety: a value.
#pragma once

#include <stdexcept>
#include <string>

#include "weir/net/http/status.h"

namespace weir::net::http {

class status_error : public std::runtime_error {
 public:
  // `text` goes to the client, as the body. A status that cannot have one makes it a failure of the handler.
  status_error(http::status answer, const std::string& text) : std::runtime_error(text), answer_(answer) {}

  http::status answer() const noexcept { return answer_; }

 private:
  http::status answer_;
};

}  // namespace weir::net::http
