#include "weir/net/http/internal/redirect.h"

namespace weir::net::http::internal {

std::optional<std::string_view> redirect_target(const response& r) noexcept {
  switch (r.status) {
    case status::moved_permanently:
    case status::found:
    case status::see_other:
    case status::temporary_redirect:
    case status::permanent_redirect:
      return r.headers.get("Location");
    default:
      return {};
  }
}

void redirect(request& r, status s, const url& from, const url& to) {
  const bool old_ones = s == status::moved_permanently || s == status::found;
  const bool to_get = (s == status::see_other && r.method != method::head && r.method != method::get) ||
                      (old_ones && r.method == method::post);  // as browsers have always done, against the first RFCs
  if (to_get) {
    r.method = method::get;
    r.body.clear();
    for (const char* name : {"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"})
      r.headers.erase(name);
  }
  if (from.origin() != to.origin())
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization"}) r.headers.erase(name);
  r.target = to.target();
  r.headers.set("Host", to.authority());
}

}  // namespace weir::net::http::internal
