#include "weir/net/dns/internal/host_name.h"

#include <cstddef>

namespace weir::net::internal {

std::optional<host_name> host_name_of(std::string_view text) {
  host_name made;
  made.absolute = text.ends_with('.');
  if (made.absolute) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return std::nullopt;
  made.text.reserve(text.size());
  std::size_t label = 0;  // length of the present one
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!part && c != '.') return std::nullopt;
    if (c == '.' && label == 0) return std::nullopt;
    label = part ? label + 1 : 0;
    if (label > 63) return std::nullopt;
    made.text += c;
  }
  if (label == 0) return std::nullopt;
  return made;
}

bool is_localhost(std::string_view name) noexcept { return name == "localhost" || name.ends_with(".localhost"); }

}  // namespace weir::net::internal
