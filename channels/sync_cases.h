// What actors wait for beside channels, as cases of select: events, semaphores, wait groups.
//   on_set(event, body)            body() or body(bool set): as long as the event is set
//   on_acquire(semaphore, body)    body(): with a permit, which it has to release
//   on_done(wait_group, body)      body(): as long as the count is 0
//
// Thread-safety: as select.h.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/source_case.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/sync/semaphore.h"
#include "weir/runtime/sync/wait_group.h"

namespace weir {
namespace internal {

struct set_source {
  static constexpr auto unwinding = select_case::unwinding::as_closed;
  weir::event& of;  // not the internal one
  bool may_be_ready() const noexcept { return true; }
  bool try_now() { return of.is_set(); }
  enrolled enroll(wait_node& node) { return of.enroll(node); }
  void withdraw(wait_node& node) noexcept { of.withdraw(node); }
  std::string describe() const { return "wait " + of.describe(); }
};

struct permit_source {
  static constexpr auto unwinding = select_case::unwinding::waits;  // the body relies on its permits
  semaphore& of;
  std::ptrdiff_t permits;
  bool may_be_ready() const noexcept { return true; }
  bool try_now() { return of.try_acquire(permits); }
  enrolled enroll(wait_node& node) { return of.enroll(node, permits); }
  void withdraw(wait_node& node) noexcept { of.withdraw(node); }
  std::string describe() const { return "acquire " + of.describe(permits); }
};

struct done_source {
  static constexpr auto unwinding = select_case::unwinding::waits;  // as wait() does
  wait_group& of;
  bool may_be_ready() const noexcept { return true; }
  bool try_now() { return of.count() == 0; }
  enrolled enroll(wait_node& node) { return of.enroll(node); }
  void withdraw(wait_node& node) noexcept { of.withdraw(node); }
  std::string describe() const { return "wait " + of.describe(); }
};

}  // namespace internal

// While the actor unwinds from a cancel, `set` may be false.
template <class Body>
auto on_set(event& e, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, bool> || std::is_invocable_v<Body&>,
                "weir::on_set: the body takes nothing, or bool (false: not set, but the actor unwinds)");
  return internal::source_case<internal::set_source, Body>({e}, std::move(body), where);
}

// Waits in the order of all who acquire; what is not chosen takes nothing. A select of nothing else waits on while its
// actor unwinds, as acquire() does. Throws misuse if permits < 1.
template <class Body>
auto on_acquire(semaphore& s, std::ptrdiff_t permits, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::on_acquire: the body takes nothing");
  s.check("on_acquire", permits, where);
  return internal::source_case<internal::permit_source, Body>({s, permits}, std::move(body), where);
}
template <class Body>
auto on_acquire(semaphore& s, Body body, site where = site::current()) {
  return on_acquire(s, 1, std::move(body), where);
}

template <class Body>
auto on_done(wait_group& g, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::on_done: the body takes nothing");
  return internal::source_case<internal::done_source, Body>({g}, std::move(body), where);
}

}  // namespace weir
