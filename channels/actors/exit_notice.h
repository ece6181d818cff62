// exit_notice: how an actor ended, for those who watch it.
//
// Thread-safety: a value.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace weir {

enum class exit_how : std::uint8_t {
  returned,   // its function returned
  failed,     // an exception ended it
  cancelled,  // a cancel ended it
};

struct exit_notice {
  std::uint64_t id = 0;  // unique in its runtime
  std::string name;      // the first 39 characters
  exit_how how = exit_how::returned;
  std::exception_ptr failure;  // null unless it failed
};

// `actor "db" (#7) failed: no such table`, for messages and logs. Allocates.
std::string to_string(const exit_notice& notice);
// The text of an exception: what() of a std::exception, else "an exception that is no std::exception". Allocates.
std::string failure_text(const std::exception_ptr& failure);

namespace internal {
class actor_core;
// REQUIRES: `a` has ended.
exit_notice notice_of(const actor_core& a);
}  // namespace internal
}  // namespace weir
