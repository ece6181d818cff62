#include "weir/runtime/base/errors.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>

namespace weir::internal {
namespace {

std::string text_of(const char* call, const std::string& rule, const std::string& value, const std::string& remedy,
                    site where) {
  return fmt::format("{}: {}{}{} ({}:{}). {}", call, rule, value.empty() ? "" : ", got ", value, where.base(),
                     where.line, remedy);
}

}  // namespace

void throw_misuse(const char* call, const std::string& rule, const std::string& value, const std::string& remedy,
                  site where) {
  throw misuse(text_of(call, rule, value, remedy, where));
}

void abort_misuse(const char* call, const std::string& rule, const std::string& value, const std::string& remedy,
                  site where) noexcept {
  std::fprintf(stderr, "weir: misuse: %s\n", text_of(call, rule, value, remedy, where).c_str());
  std::abort();
}

}  // namespace weir::internal
