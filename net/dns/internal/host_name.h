// What can be asked for as the name of a host.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::net::internal {

// In lower case, without the dot at its end that says "no search domain": then `absolute` is set. Empty: it is no name
// (RFC 1123, 2.1; with '_', which is in use).
struct host_name {
  std::string text;
  bool absolute = false;
};
std::optional<host_name> host_name_of(std::string_view text);

// "localhost" or below it: this machine, and nobody is asked (RFC 6761, 6.3).
bool is_localhost(std::string_view name) noexcept;

}  // namespace weir::net::internal
