// What a redirect makes of a request.
//
// Thread-safety: as free functions.
#pragma once

#include <optional>
#include <string_view>

#include "weir/net/http/request.h"
#include "weir/net/http/response.h"
#include "weir/net/http/url.h"

namespace weir::net::http::internal {

// Where to, as the server wrote it; empty: this is no redirect that can be followed.
std::optional<std::string_view> redirect_target(const response& r) noexcept;

// Changes `r`, sent to `from`, to what is to be sent to `to`: method, body, and the fields that speak of them; what is
// secret stays with whom it was meant for. RFC 9110, sections 15.4 and 11.6.2; the Fetch standard, 4.4, HTTP-redirect.
void redirect(request& r, status s, const url& from, const url& to);

}  // namespace weir::net::http::internal
