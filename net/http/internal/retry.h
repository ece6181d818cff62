// When a request is made again, and after how long.
//
// Thread-safety: as free functions.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "weir/net/http/error.h"
#include "weir/net/http/method.h"
#include "weir/net/http/response.h"

namespace weir::net::http::internal {

// Another attempt may go better, and does no harm.
bool may_retry(const error& failed, method m) noexcept;
// The server says that it is its own trouble, or that it is asked too much.
bool may_retry(const response& r, method m) noexcept;

// What Retry-After says: seconds, or a date, of which `now` is taken off. Empty: nothing, or nothing that makes sense.
// RFC 9110, sections 10.2.3 and 5.6.7 (of the three forms of a date the one that may be sent).
std::optional<std::chrono::seconds> retry_after(std::string_view value, std::chrono::system_clock::time_point now);

// Before the `n`th retry, from 1: from half of `first` * 2^(n-1) to one and a half times as much, 10 s at most.
std::chrono::nanoseconds backoff(std::chrono::nanoseconds first, int n);

}  // namespace weir::net::http::internal
