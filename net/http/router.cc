#include "weir/net/http/router.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "weir/net/http/request.h"
#include "weir/net/http/violation.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::http {
namespace {

// "/a//b" is "a", "", "b"; "/" is one empty segment.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (path.remove_prefix(1);;) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

router& router::on(method m, std::string_view pattern, handler h, site where) {
  const auto refuse = [&](const char* rule, const char* remedy) {
    weir::internal::throw_misuse("router::on", rule, printable(pattern), remedy, where);
  };
  if (!pattern.starts_with('/')) refuse("a pattern must begin with /", "Paths do: \"/users/{id}\".");
  route made{m, {}, std::move(h)};
  for (std::string_view part : split(pattern)) {
    if (!made.segments.empty() && made.segments.back().how == segment::kind::rest)
      refuse("{name...} must be the last segment", "Nothing is left behind it.");
    if (!part.starts_with('{')) {
      if (part.find_first_of("{}") != std::string_view::npos)
        refuse("a parameter must be a whole segment", "Write \"/{name}/\", and look at what it has.");
      made.segments.push_back({segment::kind::literal, percent_decoded(part)});
      continue;
    }
    if (!part.ends_with('}')) refuse("a parameter must be a whole segment, {name} or {name...}", "Close it by }.");
    part = part.substr(1, part.size() - 2);
    const bool rest = part.ends_with("...");
    if (rest) part.remove_suffix(3);
    if (!is_token(part)) refuse("a parameter must have a name", "Write {name}, or {name...}.");
    made.segments.push_back({rest ? segment::kind::rest : segment::kind::one, std::string(part)});
  }
  const auto at = std::lower_bound(routes_.begin(), routes_.end(), made, before);
  if (at != routes_.end() && !before(made, *at))
    refuse("a method and a pattern must have one handler", "Names of parameters do not tell patterns apart.");
  routes_.insert(at, std::move(made));
  return *this;
}

bool router::before(const route& a, const route& b) noexcept {
  const std::size_t both = std::min(a.segments.size(), b.segments.size());
  for (std::size_t i = 0; i < both; ++i) {
    const segment &x = a.segments[i], &y = b.segments[i];
    if (x.how != y.how) return x.how < y.how;
    if (x.how == segment::kind::literal && x.text != y.text) return x.text < y.text;
  }
  if (a.segments.size() != b.segments.size()) return a.segments.size() < b.segments.size();
  return a.method < b.method;
}

bool router::matches(const route& r, const std::vector<std::string>& path) noexcept {
  for (std::size_t i = 0; i < r.segments.size(); ++i) {
    const segment& s = r.segments[i];
    if (s.how == segment::kind::rest) return path.size() >= i;
    if (i >= path.size()) return false;
    if (s.how == segment::kind::literal ? s.text != path[i] : path[i].empty()) return false;
  }
  return r.segments.size() == path.size();
}

router::match router::find(method m, std::string_view path) const {
  match found;
  if (!path.starts_with('/')) return found;
  std::vector<std::string> parts;
  for (const std::string_view part : split(path)) parts.push_back(percent_decoded(part));

  const route* best = nullptr;
  std::array<bool, static_cast<std::size_t>(method::count_of_methods)> allowed{};
  for (const route& r : routes_) {
    if (!matches(r, parts)) continue;
    allowed[static_cast<std::size_t>(r.method)] = true;
    const bool for_head = m == method::head && r.method == method::get;
    if ((best == nullptr && for_head) || (r.method == m && (best == nullptr || best->method != m))) best = &r;
  }
  if (best == nullptr) {
    if (allowed[static_cast<std::size_t>(method::get)]) allowed[static_cast<std::size_t>(method::head)] = true;
    for (std::size_t i = 0; i < allowed.size(); ++i) {
      if (!allowed[i]) continue;
      if (!found.allowed.empty()) found.allowed += ", ";
      found.allowed += name_of(static_cast<method>(i));
    }
    return found;
  }
  found.run = &best->run;
  for (std::size_t i = 0; i < best->segments.size(); ++i) {
    const segment& s = best->segments[i];
    if (s.how == segment::kind::literal) continue;
    std::string value = i < parts.size() ? parts[i] : std::string();
    if (s.how == segment::kind::rest)
      for (std::size_t k = i + 1; k < parts.size(); ++k) value += "/" + parts[k];
    found.parameters.emplace_back(s.text, std::move(value));
  }
  return found;
}

}  // namespace weir::net::http
