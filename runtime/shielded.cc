#include "weir/runtime/shielded.h"

#include "weir/runtime/internal/actor_core.h"

namespace weir::internal {
namespace {

void open(scope_node& node) noexcept { node.open(); }

}  // namespace

shield_frame::shield_frame(deadline grace, site where) noexcept
    : host_(current_actor()),
      outer_(host_ ? &host_->scope() : nullptr),
      node_(host_, !grace.expired(), where),
      alarm_(node_, &open) {
  if (host_ == nullptr) return;
  node_.attach(*outer_);
  host_->enter_scope(node_);
  alarm_.set(grace);
}

shield_frame::~shield_frame() {
  if (host_ == nullptr) return;
  alarm_.disarm();
  node_.leave();
  host_->enter_scope(*outer_);
}

}  // namespace weir::internal
