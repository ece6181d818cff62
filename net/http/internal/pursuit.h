// One call of a client: the request, and all that its redirects and retries lead to.
//
// Thread-safety: one at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "weir/net/http/client_options.h"
#include "weir/net/http/error.h"
#include "weir/net/http/fetched.h"
#include "weir/net/http/internal/client_core.h"
#include "weir/net/http/internal/client_exchange.h"
#include "weir/net/http/request.h"
#include "weir/net/http/url.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net::http::internal {

class pursuit {
 public:
  // Throws http::error (bad_url), misuse.
  pursuit(std::shared_ptr<client_core> core, std::string_view to, const fetch_options& options, site where);

  // The head of a response that is neither to be followed nor to be asked for again.
  std::unique_ptr<client_exchange> until_response();
  // Reading its body has failed: waits before until_response() may be called again, or throws `failed`.
  void wait_after(const error& failed);
  // Of the client_exchange that until_response() has given.
  fetched told(client_exchange& x) const;

 private:
  // Until when to wait before the next retry; empty: there is none left, or no time for it.
  std::optional<deadline> next_retry(std::optional<std::chrono::seconds> asked) const;
  void wait_for_retry(deadline until);
  void follow(const client_exchange& x, std::string_view location);

  const std::shared_ptr<client_core> core_;
  url at_;
  request request_;
  bool inflates_;
  const deadline limit_;
  const int retries_, redirects_;
  const bool https_to_http_;
  int retried_ = 0, redirected_ = 0;
  std::set<std::string> visited_;  // method and URL of each redirected request
};

}  // namespace weir::net::http::internal
