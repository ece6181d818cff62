// supervisor_options: what a supervisor does about its children's ends, and what it tells about them.
//
// Thread-safety: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "weir/channels/actors/exit_notice.h"
#include "weir/channels/channel.h"

namespace weir {

// Who is started again when a child has ended that is to be.
enum class restart_strategy : std::uint8_t {
  one_for_one,   // that child
  one_for_all,   // all: the others are shut down, last first, and all are started in order
  rest_for_one,  // that child and those that were added after it
};

struct supervisor_event {
  enum class what : std::uint8_t { started, exited, restarted, gave_up };
  what kind;
  exit_notice child;  // the actor; how it ended: for exited, and for the exit that was one too many
};

struct supervisor_options {
  restart_strategy strategy = restart_strategy::one_for_one;
  // The most restarts, from 0, within any stretch of time of this length; one more and the supervisor gives up.
  int restarts = 1;
  std::chrono::nanoseconds within = std::chrono::seconds(5);
  // run() goes on when no child is left, as more may be added. Else it returns then.
  bool stays = false;
  // For errors and dumps.
  std::string_view name = "supervisor";
  // Gets what happens. A reader that is too slow loses events, and events_lost() counts them; a supervisor never waits
  // for it. Is dropped when run() ends.
  sender<supervisor_event> events = {};
};

// Thrown by run(): the children ended too often.
class supervisor_gave_up : public std::runtime_error {
 public:
  supervisor_gave_up(const std::string& text, std::exception_ptr cause)
      : std::runtime_error(text), cause_(std::move(cause)) {}
  // What ended the last child; null if that was no exception.
  const std::exception_ptr& cause() const noexcept { return cause_; }

 private:
  std::exception_ptr cause_;
};

}  // namespace weir
