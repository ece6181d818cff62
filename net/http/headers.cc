#include "weir/net/http/headers.h"

#include <algorithm>

#include "weir/net/http/violation.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::http {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr bool is_token_char(char c) noexcept {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view checked(std::string_view name, std::string_view value, const char* call, site where) {
  if (!is_token(name))
    weir::internal::throw_misuse(call, "the name of a field must be a token (RFC 9110, 5.6.2)", printable(name),
                                 "Use letters, digits and !#$%&'*+-.^_`|~.", where);
  const std::string_view bare = trimmed(value);
  if (!is_field_value(bare))
    weir::internal::throw_misuse(call, "the value of a field must have no control characters (RFC 9110, 5.5)",
                                 printable(bare), "Encode what comes from outside before it goes into a field.", where);
  return bare;
}

}  // namespace

bool equal_names(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet >= 0x20 && octet != 0x7F) || c == '\t';
  });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

headers::headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields, site where) {
  for (const auto& [name, value] : fields) add(name, value, where);
}

void headers::add(std::string_view name, std::string_view value, site where) {
  const std::string_view bare = checked(name, value, "headers::add", where);
  fields_.push_back({std::string(name), std::string(bare)});
}

void headers::set(std::string_view name, std::string_view value, site where) {
  field made{std::string(name), std::string(checked(name, value, "headers::set", where))};
  const auto is_it = [&](const field& f) { return equal_names(f.name, made.name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), is_it);
  if (first == fields_.end()) return fields_.push_back(std::move(made));
  fields_.erase(std::remove_if(first + 1, fields_.end(), is_it), fields_.end());
  *first = std::move(made);
}

std::size_t headers::erase(std::string_view name) {
  return std::erase_if(fields_, [&](const field& f) { return equal_names(f.name, name); });
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
  for (const field& f : fields_)
    if (equal_names(f.name, name)) return f.value;
  return std::nullopt;
}

std::vector<std::string_view> headers::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const field& f : fields_)
    if (equal_names(f.name, name)) values.push_back(f.value);
  return values;
}

std::size_t headers::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(), [&](const field& f) { return equal_names(f.name, name); }));
}

bool headers::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const field& f : fields_) {
    if (!equal_names(f.name, name)) continue;
    for (std::string_view rest = f.value;;) {
      const std::size_t comma = rest.find(',');
      if (equal_names(trimmed(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

}  // namespace weir::net::http
