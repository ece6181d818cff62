// WEIR_CHECK: a promise of weir's own. If it is broken, the condition and the values are printed and the process stops,
// because going on could lose or double a message.
#pragma once

#include <string>

namespace weir::internal {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& values) noexcept;

}  // namespace weir::internal

// `values` is any expression that gives a std::string; evaluated only on failure.
#define WEIR_CHECK(condition, values) \
  ((condition) ? static_cast<void>(0) : ::weir::internal::check_failed(__FILE__, __LINE__, #condition, values))
