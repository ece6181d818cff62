// Signals as a case of select: on_signal(SIGTERM, body).
//
// Thread-safety: as select.h.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/source_case.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/signals.h"

namespace weir {
namespace internal {

struct received_source {
  static constexpr auto unwinding = select_case::unwinding::as_come;
  signal_source& of;
  int number;
  bool may_be_ready() const noexcept { return of.may_be_ready(); }
  bool try_now() { return of.take(); }
  enrolled enroll(wait_node& node) { return of.enroll(node); }
  void withdraw(wait_node& node) noexcept { of.withdraw(node); }
  std::string describe() const { return signal_name(number); }
};

}  // namespace internal

// Ready when the process has received the signal. From the first on_signal for it on, the signal belongs to the
// program, until the last runtime has ended: it does nothing else any more, so a loop that ends must pass on what it
// got, by a cancel or a close. Each arrival goes to one select, the one that waits longest; with nobody there it is
// kept for the next, several as one. A signal that the process ignores (nohup) never comes. Throws misuse if the
// program handles it by itself, for signals that report an error of the program, and for SIGKILL, SIGSTOP and SIGQUIT.
template <class Body>
auto on_signal(int number, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::on_signal: the body takes nothing");
  return internal::source_case<internal::received_source, Body>({internal::select_signal(number, where), number},
                                                                std::move(body), where);
}

}  // namespace weir
