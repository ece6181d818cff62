#include "weir/net/http/request.h"

#include "weir/net/http/response.h"

namespace weir::net::http {
namespace {

std::string_view after_authority(std::string_view target) noexcept {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const std::size_t end = target.find_first_of("/?", scheme + 3);
  return end == std::string_view::npos ? std::string_view() : target.substr(end);
}

bool keeps_alive_by(version v, const headers& h) noexcept {
  if (h.has_token("connection", "close")) return false;
  return v == version::http_1_1 || h.has_token("connection", "keep-alive");
}

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view request::path() const noexcept {
  const std::string_view rest = after_authority(target);
  const std::string_view found = rest.substr(0, rest.find('?'));
  return found.empty() ? std::string_view("/") : found;
}

std::string_view request::query() const noexcept {
  const std::string_view rest = after_authority(target);
  const std::size_t mark = rest.find('?');
  return mark == std::string_view::npos ? std::string_view() : rest.substr(mark + 1);
}

bool request::keeps_alive() const noexcept { return keeps_alive_by(version, headers); }
bool response::keeps_alive() const noexcept { return keeps_alive_by(version, headers); }

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string made;
  made.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit_of(text[i + 1]) >= 0 && digit_of(text[i + 2]) >= 0) {
      made += static_cast<char>(digit_of(text[i + 1]) * 16 + digit_of(text[i + 2]));
      i += 2;
    } else {
      made += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return made;
}

std::string query_value(std::string_view query, std::string_view name, std::string_view fallback) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (percent_decoded(pair.substr(0, equals), true) != name) continue;
    return equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1), true);
  }
  return std::string(fallback);
}

}  // namespace weir::net::http
