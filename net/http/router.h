// weir::net::http::router: which handler answers which method and path.
//   routes.on(method::get, "/users/{id}", [](exchange& x) { x.respond(status::ok, find(x.parameter("id"))); });
//
// Thread-safety: on() before it is given to a server; find() any number at once.
//
// A pattern is segments: as written, `{name}` for any one that is not empty, and at the end `{name...}` for all that is
// left, slashes and nothing included. Of several that match the one goes that is more definite at the first difference.
// Segments are compared and handed over decoded, each by itself, so that a %2F is part of a segment. Nothing else is
// done to a path: `..` is a segment, which a handler that opens files has to refuse.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/net/http/method.h"
#include "weir/runtime/base/site.h"

namespace weir::net::http {

class exchange;

// Runs in the connection's actor, and may park. See exchange.h for what it may do, server.h for what it may throw.
using handler = std::function<void(exchange&)>;
using parameters = std::vector<std::pair<std::string, std::string>>;

class router {
 public:
  // Throws misuse if the pattern does not begin with a slash, has a `{` that is not closed, or is there already. GET's
  // handler answers HEAD too, unless there is one for it.
  router& on(method m, std::string_view pattern, handler h, site where = site::current());

  struct match {
    const handler* run = nullptr;  // null: 404, or if `allowed` has something 405
    http::parameters parameters = {};
    std::string allowed = {};  // "GET, HEAD, POST"
  };
  match find(method m, std::string_view path) const;

 private:
  struct segment {
    enum class kind : unsigned char { literal, one, rest };  // the more definite first
    kind how;
    std::string text;  // the literal, or the name
  };
  struct route {
    http::method method;
    std::vector<segment> segments;
    handler run;
  };
  static bool before(const route& a, const route& b) noexcept;
  static bool matches(const route& r, const std::vector<std::string>& path) noexcept;

  std::vector<route> routes_;  // the more definite first
};

}  // namespace weir::net::http
