// Whether bytes that come in pieces are UTF-8.
//
// Thread-safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::net::websocket::internal {

// Finds the first byte that no UTF-8 can go on with: so overlong forms, surrogates and what lies beyond U+10FFFF fail
// at their second byte. Source: The Unicode Standard, table 3-7.
class utf8_check {
 public:
  // How many of them can be; fewer than all: no bytes to come can make it UTF-8, then and later.
  std::size_t add(std::string_view bytes) noexcept {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto b = static_cast<std::uint8_t>(bytes[i]);
      if (missing_ == 0) {
        if (b >= 0x80 && !begin(b)) return i;
        continue;
      }
      if (b < low_ || b > high_) return begin_never(), i;
      --missing_;
      low_ = 0x80, high_ = 0xBF;
    }
    return bytes.size();
  }
  // Whether the bytes so far end between two characters.
  bool at_boundary() const noexcept { return missing_ == 0; }

 private:
  bool begin(std::uint8_t b) noexcept {
    low_ = 0x80, high_ = 0xBF;
    if (b >= 0xC2 && b <= 0xDF) return missing_ = 1, true;
    if (b >= 0xE0 && b <= 0xEF) {
      if (b == 0xE0) low_ = 0xA0;   // else it would have fitted into two
      if (b == 0xED) high_ = 0x9F;  // surrogates
      return missing_ = 2, true;
    }
    if (b >= 0xF0 && b <= 0xF4) {
      if (b == 0xF0) low_ = 0x90;   // else it would have fitted into three
      if (b == 0xF4) high_ = 0x8F;  // beyond U+10FFFF
      return missing_ = 3, true;
    }
    return begin_never(), false;
  }
  // Nothing lies between them: it stays so.
  void begin_never() noexcept { low_ = 1, high_ = 0, missing_ = 1; }

  int missing_ = 0;                        // bytes of the character that has begun
  std::uint8_t low_ = 0x80, high_ = 0xBF;  // what the next one of them lies between
};

}  // namespace weir::net::websocket::internal
