// weir::shielded: runs something that a cancel from outside must not cut short, as a clean-up that has to wait.
//
// Thread-safety: concerns the caller and the scopes it opens inside. On a plain thread it only calls f.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/scope_alarm.h"
#include "weir/runtime/internal/scope_node.h"

namespace weir {
namespace internal {

// One shielded() in progress; on the stack of its host.
class shield_frame {
 public:
  shield_frame(deadline grace, site where) noexcept;
  shield_frame(const shield_frame&) = delete;
  ~shield_frame();

 private:
  actor_core* const host_;  // null on a plain thread: then the rest is idle
  scope_node* const outer_;
  scope_node node_;
  scope_alarm alarm_;
};

}  // namespace internal

// Calls f() and returns what it returns. Until `grace` is over, counted from this call, a cancel of a scope outside
// does not reach f, nor the actors of scopes opened inside: parks wait as usual, cancel_requested() is false. A
// destructor that parks does so in here, because during unwinding, too, parks wait as usual.
//
// After the grace, if a scope outside is cancelled, f's parks act as in unwinding, without throwing: send is false,
// recv is empty, sleep returns, join waits on; cancel_requested() is true, so that a loop can end. The actors of scopes
// opened inside are then cancelled as usual, and those scopes return without throwing. Scopes opened inside keep their
// own cancel all the time. When f has returned, a cancel that is pending arrives at the next park.
template <class F>
auto shielded(deadline grace, F&& f, site where = site::current()) -> std::invoke_result_t<F> {
  const internal::shield_frame frame(grace, where);
  return std::invoke(std::forward<F>(f));
}
// The same without limit: f is waited for, however long it takes.
template <class F>
auto shielded(F&& f, site where = site::current()) -> std::invoke_result_t<F> {
  return shielded(deadline::never(), std::forward<F>(f), where);
}

}  // namespace weir
