#include "weir/channels/actors/ask.h"

#include <fmt/core.h>

#include "weir/runtime/base/errors.h"

namespace weir::internal {
namespace {

const char* sentence(ask_status s) noexcept {
  switch (s) {
    case ask_status::ok:
      break;
    case ask_status::unanswered:
      return "dropped the request unanswered";
    case ask_status::ended:
      return "has ended, or takes no more messages";
    case ask_status::full:
      return "is full";
    case ask_status::timeout:
      return "did not answer in time";
  }
  return "answered";
}

}  // namespace

std::string ask_failure(ask_status status, const mailbox_base& box, site where) {
  return fmt::format("ask: {} {} (asked at {}:{})", box.describe(), sentence(status), where.base(), where.line);
}

void check_ask(const mailbox_base& box, deadline limit, site where) {
  if (limit.is_never())
    throw_misuse("ask", "an ask has a deadline that comes", fmt::format("never, to {}", box.describe()),
                 "Say how long an answer may take: 5s, for one.", where);
}

}  // namespace weir::internal
