#include "weir/net/files/internal/file_call.h"

#include <cerrno>

#include "weir/runtime/this_actor.h"

namespace weir::net::internal {

void throw_not_begun(const char* operation, const std::string& subject, weir::internal::call_end why) {
  if (why == weir::internal::call_end::cancelled) weir::internal::throw_not_run(operation);
  throw error(make_error_code(errc::timeout), operation, subject);
}

void throw_cut(const char* operation, const std::string& subject) {
  if (this_actor::cancel_requested()) {
    this_actor::check_cancel();
    weir::internal::throw_not_run(operation);  // the caller unwinds
  }
  throw error(make_error_code(errc::timeout), operation, subject);
}

}  // namespace weir::net::internal
