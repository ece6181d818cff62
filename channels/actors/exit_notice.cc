#include "weir/channels/actors/exit_notice.h"

#include <fmt/core.h>

#include "weir/runtime/internal/actor_core.h"

namespace weir {

std::string failure_text(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {  // no park in here, so no cancel either
    return "an exception that is no std::exception";
  }
}

std::string to_string(const exit_notice& n) {
  const std::string who = fmt::format("actor \"{}\" (#{})", n.name, n.id);
  switch (n.how) {
    case exit_how::returned:
      return who + " returned";
    case exit_how::cancelled:
      return who + " was cancelled";
    case exit_how::failed:
      break;
  }
  return who + " failed: " + failure_text(n.failure);
}

namespace internal {

exit_notice notice_of(const actor_core& a) {
  const exit_how how = a.how() == exit_kind::failed      ? exit_how::failed
                       : a.how() == exit_kind::cancelled ? exit_how::cancelled
                                                         : exit_how::returned;
  return {a.id(), std::string(a.name()), how, how == exit_how::failed ? a.error() : nullptr};
}

}  // namespace internal
}  // namespace weir
