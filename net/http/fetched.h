// weir::net::http::fetched: a response, and what became of the request on its way.
//
// Thread-safety: a value.
#pragma once

#include <string>

#include "weir/net/http/response.h"

namespace weir::net::http {

// If the body was inflated, Content-Encoding and Content-Length, which were said of its other form, are gone.
struct fetched : response {
  std::string url = {};  // where it is from: after redirects
  int redirects = 0;     // that were followed
  int attempts = 1;      // requests that were sent or tried, without those that a redirect led to
};

}  // namespace weir::net::http
