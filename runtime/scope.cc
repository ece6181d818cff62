#include "weir/runtime/scope.h"

#include <fmt/core.h>

#include <algorithm>

#include "weir/runtime/internal/report.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {
namespace {

actor_core& host_for_scope(const char* call, const scope_options& options, site where) {
  if (options.limit < 0)
    throw_misuse(call, "the limit must be 1 or more, or 0 for any number of actors", fmt::format("{}", options.limit),
                 "Leave it out.", where);
  if (actor_core* const a = current_actor()) return *a;
  refuse_forking_actor(call, where);
  throw_misuse(call, "a scope needs a running actor", "a plain thread", "Call it inside weir::run([] { ... }).", where);
}

void expire(scope_node& node) noexcept { static_cast<scope_core&>(node).expire(); }

}  // namespace

scope_frame::scope_frame(const char* call, const scope_options& options, site where)
    : host_(host_for_scope(call, options, where)),
      outer_(host_.scope()),
      call_(call),
      failures_(options.failures),
      entered_(options.deadline.is_never() ? time_point() : now()),
      deadline_(options.deadline),
      node_(host_, options.limit, where),
      alarm_(node_, &expire) {
  node_.attach(outer_);
  host_.enter_scope(node_);
  alarm_.set(deadline_);
}

runtime_core& scope_frame::runtime() noexcept { return host_.runtime(); }

bool scope_frame::finish(bool no_value) {
  node_.wait_children();
  alarm_.disarm();
  node_.leave();
  host_.enter_scope(outer_);

  const bool own_cancel = cancelled_by_ != nullptr && node_.encloses(cancelled_by_);
  if (own_cancel) host_.absorbed_cancel();
  if (failures_) *failures_ = node_.take_other_failures();
  if (node_.first_failure()) std::rethrow_exception(node_.first_failure());  // goes before a cancel
  if (node_.ended_by_outer() || (cancelled_by_ && !own_cancel)) host_.pass_cancel_on();
  if (node_.expired() && (own_cancel || node_.child_was_cut())) return false;
  if (no_value)
    throw actor_cancelled(fmt::format("{} at {}:{} was cancelled before its body had returned a value", call_,
                                      node_.where().base(), node_.where().line));
  return true;
}

void scope_frame::throw_timed_out() const {
  const auto given = std::max(deadline_.at() - entered_, time_point::duration::zero());
  throw timed_out(fmt::format("{} at {}:{}: not done when its time was up, {} after it began", call_,
                              node_.where().base(), node_.where().line, short_duration(given)));
}

}  // namespace weir::internal
