#include "examples/zcat/message_text.h"

#include <cstddef>
#include <string_view>

namespace zcat {
namespace {

// The bytes of the character that `s` begins with (RFC 3629); 0: it begins with none.
std::size_t utf8_character(std::string_view s) {
  const auto at = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  if (at(0) < 0x80) return 1;
  if (at(0) >= 0xC2 && at(0) < 0xE0) return follows(1) ? 2 : 0;
  if (at(0) >= 0xE0 && at(0) < 0xF0) {
    const bool shortest = at(0) != 0xE0 || at(1) >= 0xA0, no_surrogate = at(0) != 0xED || at(1) < 0xA0;
    return follows(1) && follows(2) && shortest && no_surrogate ? 3 : 0;
  }
  if (at(0) >= 0xF0 && at(0) < 0xF5) {
    const bool shortest = at(0) != 0xF0 || at(1) >= 0x90, in_range = at(0) != 0xF4 || at(1) < 0x90;
    return follows(1) && follows(2) && follows(3) && shortest && in_range ? 4 : 0;
  }
  return 0;
}

std::string in_hex(unsigned char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  return {digits[c >> 4], digits[c & 15]};
}

std::string as_json(std::string_view bytes) {
  std::string text = "\"";
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t n = utf8_character(bytes.substr(i));
    if (n == 0) {
      text = "{\"hex\": \"";
      for (const char c : bytes) text += in_hex(static_cast<unsigned char>(c));
      return text + "\"}";
    }
    if (bytes[i] == '"' || bytes[i] == '\\')
      text += '\\', text += bytes[i];
    else if (static_cast<unsigned char>(bytes[i]) < ' ')
      text += "\\u00" + in_hex(static_cast<unsigned char>(bytes[i]));
    else
      text += bytes.substr(i, n);
    i += n;
  }
  return text + '"';
}

}  // namespace

void append_line(std::string& to, const weir::net::message& m) {
  const char* before = "";
  for (const weir::net::frame& f : m) {
    to += before;
    to += f.text();
    before = "\t";
  }
  to += '\n';
}

void append_json(std::string& to, const weir::net::message& m) {
  to += "{\"frames\": [";
  const char* before = "";
  for (const weir::net::frame& f : m) {
    to += before;
    to += as_json(f.text());
    before = ", ";
  }
  to += "]}\n";
}

}  // namespace zcat
