// weir::site: the place in the source where a call was made, taken by a defaulted argument.
//
// Own type because clang 14 has no std::source_location.
#pragma once

namespace weir {

struct site {
  const char* file = "?";
  unsigned line = 0;

  static constexpr site current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
  // The file without its folders, as reports print it.
  constexpr const char* base() const noexcept {
    const char* name = file;
    for (const char* c = file; *c != '\0'; ++c)
      if (*c == '/') name = c + 1;
    return name;
  }
};

}  // namespace weir
