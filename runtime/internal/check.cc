#include "weir/runtime/internal/check.h"

#include <cstdio>
#include <cstdlib>

namespace weir::internal {

void check_failed(const char* file, int line, const char* condition, const std::string& values) noexcept {
  std::fprintf(stderr, "weir: broken promise at %s:%d: %s; %s. This is a defect of weir itself, please report it.\n",
               file, line, condition, values.c_str());
  std::abort();
}

}  // namespace weir::internal
