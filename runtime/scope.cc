#include "weir/runtime/scope.h"

#include <fmt/core.h>

#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {
namespace {

actor_core& host_for_scope(site where) {
  if (actor_core* const a = current_actor()) return *a;
  refuse_forking_actor("with_scope", where);
  throw_misuse("with_scope", "a scope needs a running actor", "a plain thread", "Call it inside weir::run([] { ... }).",
               where);
}

}  // namespace

scope_frame::scope_frame(const scope_options& options, site where)
    : host_(host_for_scope(where)),
      outer_(host_.scope()),
      options_(options),
      node_(scope_node::kind::scope, &host_, where) {
  node_.attach(outer_);
  host_.enter_scope(node_);
}

runtime_core& scope_frame::runtime() noexcept { return host_.runtime(); }

void scope_frame::finish(bool no_value) {
  node_.wait_children();
  node_.leave();
  host_.enter_scope(outer_);

  if (options_.failures) *options_.failures = node_.other_failures();
  if (node_.first_failure()) std::rethrow_exception(node_.first_failure());  // goes before a cancel
  const scope_node* outer_cancel = node_.ended_by_outer();
  if (cancelled_by_ != nullptr && !node_.encloses(cancelled_by_)) outer_cancel = cancelled_by_;
  if (outer_cancel != nullptr && std::uncaught_exceptions() == 0) throw cancelled(outer_cancel);
  if (no_value)
    throw actor_cancelled(fmt::format("with_scope at {}:{} was cancelled before its body had returned a value",
                                      node_.where().base(), node_.where().line));
}

}  // namespace weir::internal
