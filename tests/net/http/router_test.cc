#include "weir/net/http/router.h"

#include <catch2/catch.hpp>
#include <string>

#include "weir/runtime/base/errors.h"

using namespace weir::net::http;
using Catch::Contains;

namespace {

// Which of the handlers that were added it is, by what it is asked with: their targets tell them apart.
struct named {
  std::string name;
  void operator()(exchange&) const {}
};

std::string found(const router& r, method m, std::string_view path) {
  const router::match f = r.find(m, path);
  std::string text = f.run == nullptr ? "none " + f.allowed : f.run->target<named>()->name;
  for (const auto& [name, value] : f.parameters) text += " " + name + "=" + value;
  return text;
}

router some() {
  router r;
  for (const char* pattern : {"/", "/a", "/a/{x}", "/a/b", "/a/{x}/c", "/files/{path...}", "/{any}", "/sp%20ce"})
    r.on(method::get, pattern, named{pattern});
  r.on(method::post, "/a/{id}", named{"post"}).on(method::head, "/a/b", named{"head"});
  return r;
}

}  // namespace

TEST_CASE("a path goes to the most definite pattern that matches, whatever the order they were added in") {
  const router r = some();
  CHECK(found(r, method::get, "/") == "/");
  CHECK(found(r, method::get, "/a") == "/a");
  CHECK(found(r, method::get, "/a/") == "none ");
  CHECK(found(r, method::get, "/a/b") == "/a/b");
  CHECK(found(r, method::get, "/a/7") == "/a/{x} x=7");
  CHECK(found(r, method::get, "/a/7/c") == "/a/{x}/c x=7");
  CHECK(found(r, method::get, "/b") == "/{any} any=b");
  CHECK(found(r, method::get, "/b/c") == "none ");
  CHECK(found(r, method::get, "//") == "none ");
  CHECK(found(r, method::get, "*") == "none ");
}

TEST_CASE("segments are compared and handed over decoded, and the rest with its slashes") {
  const router r = some();
  CHECK(found(r, method::get, "/sp ce") == "/sp%20ce");
  CHECK(found(r, method::get, "/%73p%20ce") == "/sp%20ce");
  CHECK(found(r, method::get, "/a/x%2Fy%20z") == "/a/{x} x=x/y z");
  CHECK(found(r, method::get, "/files/x/../y//z") == "/files/{path...} path=x/../y//z");
  CHECK(found(r, method::get, "/files/") == "/files/{path...} path=");
  CHECK(found(r, method::get, "/files") == "/files/{path...} path=");
}

TEST_CASE("a path that is there for other methods says for which") {
  const router r = some();
  CHECK(found(r, method::put, "/a/7") == "none GET, HEAD, POST");
  CHECK(found(r, method::post, "/a/7") == "post id=7");
  CHECK(found(r, method::head, "/a") == "/a");
  CHECK(found(r, method::head, "/a/b") == "head");
  CHECK(found(r, method::delete_, "/a/b") == "none GET, HEAD, POST");
}

TEST_CASE("patterns that cannot be meant are misuse") {
  router r = some();
  CHECK_THROWS_WITH(r.on(method::get, "a", named{}), Contains("must begin with /") && Contains("\"a\""));
  CHECK_THROWS_AS(r.on(method::get, "/{x", named{}), weir::misuse);
  CHECK_THROWS_AS(r.on(method::get, "/{}", named{}), weir::misuse);
  CHECK_THROWS_AS(r.on(method::get, "/a{x}", named{}), weir::misuse);
  CHECK_THROWS_AS(r.on(method::get, "/{x...}/a", named{}), weir::misuse);
  CHECK_THROWS_WITH(r.on(method::get, "/a/{other}", named{}), Contains("one handler"));
}
