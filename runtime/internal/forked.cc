#include "weir/runtime/internal/forked.h"

#include "weir/runtime/base/errors.h"

namespace weir::internal {
namespace {

constexpr char rule[] = "what weir made before fork() works only in the process that made it";
constexpr char remedy[] =
    "In the child call exec or _exit; or fork on a plain thread, and let the child start anew with weir::run.";

std::string value(const std::string& what) { return what + " in a forked child"; }

}  // namespace

void throw_forked(const char* call, const std::string& what, site where) {
  throw_misuse(call, rule, value(what), remedy, where);
}

void abort_forked(const char* call, const std::string& what, site where) noexcept {
  abort_misuse(call, rule, value(what), remedy, where);
}

}  // namespace weir::internal
