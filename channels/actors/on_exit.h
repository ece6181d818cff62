// on_exit: the end of an actor as a case of select.
//   on_exit(actor, body)   body() or body(exit_notice): when the actor has ended
// Many actors at once: monitor.h.
//
// Thread-safety: as select.h; the handle may be any that refers to the actor.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/actors/exit_notice.h"
#include "weir/channels/actors/internal/event_case.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace internal {

// The part that does not depend on the body. Misuse if `a` is the caller itself.
class actor_exit_case : public event_case {
 public:
  actor_exit_case(actor_core& a, site at);

  // While the selecting actor unwinds there is no closed channel to pretend: as join does then, it waits for the end.
  unwinding while_unwinding() const noexcept final { return unwinding::waits; }
  void complete_as_closed() noexcept final {}
  std::string describe() const final;

 protected:
  ~actor_exit_case() = default;
  exit_notice notice() const { return notice_of(actor_); }

 private:
  actor_core& actor_;
};

template <class Body>
class exit_case final : public user_case<exit_case<Body>, actor_exit_case> {
 public:
  exit_case(actor_core& a, Body body, site at) : user_case<exit_case, actor_exit_case>(a, at), body_(std::move(body)) {}
  decltype(auto) run() {
    if constexpr (std::is_invocable_v<Body&, exit_notice>)
      return std::invoke(body_, this->notice());
    else
      return std::invoke(body_);
  }

 private:
  Body body_;
};

}  // namespace internal

// A case of select that is ready once the actor has ended, its closure is destroyed and its result is there; then it is
// ready for ever: switch it off by .when(). It takes no result: join() still does. The handle is used until select
// returns. Misuse for an empty handle and for the calling actor itself.
//
// A cancel of the caller ends the select as everywhere; while the caller unwinds, a select that comes to this case
// waits for the actor's end.
template <class T, class Body>
auto on_exit(const internal::actor_handle<T>& of, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, exit_notice> || std::is_invocable_v<Body&>,
                "weir::on_exit: the body takes nothing, or a weir::exit_notice");
  return internal::exit_case<Body>(of.core("on_exit", where), std::move(body), where);
}

}  // namespace weir
