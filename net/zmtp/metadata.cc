#include "weir/net/zmtp/metadata.h"

#include <algorithm>

#include "weir/net/zmtp/octets.h"

namespace weir::net::zmtp {
namespace {

constexpr bool is_name_char(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '+';
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

void write_property(std::string& out, std::string_view name, std::string_view value) {
  out += static_cast<char>(name.size());
  out += name;
  append_big_endian(out, value.size(), 4);
  out += value;
}

bool read_metadata(std::string_view bytes, std::size_t most, std::uint64_t offset, std::vector<property>& into,
                   violation& failure) {
  const std::size_t before = into.size();
  for (std::size_t at = 0; at < bytes.size();) {
    const auto fail = [&](rule r, std::string value, std::size_t where) {
      failure = {r, std::move(value), offset + where};
      return false;
    };
    const std::size_t left = bytes.size() - at;
    const std::size_t name_size = octet_at(bytes, at);
    if (name_size == 0) return fail(rule::property_name, "length 0", at);
    if (into.size() - before == most) return fail(rule::property_count, std::to_string(most + 1), at);
    if (left < 1 + name_size + 4)
      return fail(rule::property_fits, std::to_string(left) + " octets for a name of " + std::to_string(name_size), at);
    const std::string_view name = bytes.substr(at + 1, name_size);
    if (!is_property_name(name)) return fail(rule::property_name_letters, printable(name), at + 1);
    const std::size_t value_at = at + 1 + name_size + 4;
    const std::uint64_t value_size = big_endian_at(bytes, value_at - 4, 4);
    if (value_size > 0x7FFF'FFFF) return fail(rule::property_value_31_bits, std::to_string(value_size), value_at - 4);
    if (value_size > bytes.size() - value_at)
      return fail(rule::property_fits,
                  std::to_string(bytes.size() - value_at) + " octets for a value of " + std::to_string(value_size),
                  value_at);
    for (std::size_t i = before; i < into.size(); ++i)
      if (same_name(into[i].name, name)) return fail(rule::property_once, printable(name), at + 1);
    into.push_back({std::string(name), std::string(bytes.substr(value_at, value_size))});
    at = value_at + value_size;
  }
  return true;
}

const property* find(const std::vector<property>& in, std::string_view name) noexcept {
  for (const property& p : in)
    if (same_name(p.name, name)) return &p;
  return nullptr;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_property_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), is_name_char);
}

}  // namespace weir::net::zmtp
