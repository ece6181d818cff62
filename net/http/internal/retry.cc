#include "weir/net/http/internal/retry.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "weir/net/http/headers.h"
#include "weir/runtime/internal/random.h"

namespace weir::net::http::internal {

bool may_retry(const error& failed, method m) noexcept {
  switch (failed.kind()) {
    case error_kind::connect:
      return true;  // nothing has been sent
    case error_kind::reset:
    case error_kind::truncated:
      return is_idempotent(m);
    default:
      return false;
  }
}

bool may_retry(const response& r, method m) noexcept {
  switch (r.status) {
    case status::too_many_requests:
    case status::bad_gateway:
    case status::service_unavailable:
    case status::gateway_timeout:
      return is_idempotent(m);
    default:
      return false;
  }
}

std::optional<std::chrono::seconds> retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
  value = trimmed(value);
  if (value.empty()) return {};
  std::uint32_t seconds = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (failed == std::errc() && end == value.data() + value.size()) return std::chrono::seconds(seconds);
  if (!value.ends_with(" GMT")) return {};
  std::tm at{};
  const std::string text(value);
  const char* const rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &at);
  if (rest == nullptr || *rest != '\0') return {};
  // In seconds: the nanoseconds of a far date do not fit.
  const std::chrono::sys_seconds then{std::chrono::seconds(timegm(&at))};
  return std::max(std::chrono::seconds(0), then - std::chrono::floor<std::chrono::seconds>(now));
}

std::chrono::nanoseconds backoff(std::chrono::nanoseconds first, int n) {
  constexpr std::chrono::nanoseconds longest = std::chrono::seconds(10);
  std::chrono::nanoseconds mean = std::clamp(first, std::chrono::nanoseconds(0), longest);
  for (int i = 1; i < n && mean < longest; ++i) mean *= 2;
  const auto per_mille = 500 + weir::internal::thread_random().below(1000);
  return std::min(mean, longest) / 1000 * per_mille;
}

}  // namespace weir::net::http::internal
