#include "weir/runtime/internal/scope_node.h"

#include <mutex>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/scope_core.h"

namespace weir::internal {

void scope_node::attach(scope_node& parent) noexcept {
  parent_ = &parent;
  std::lock_guard guard(parent.lock_);
  next_ = parent.first_child_;
  if (next_) next_->prev_ = this;
  parent.first_child_ = this;
  ++parent.child_count_;
  if (kind_ != kind::actor) parent.host_is_below_ = true;  // entered by the parent's own host
  if (!parent.effective_) return;
  if (passes_.load(std::memory_order_relaxed)) {
    // Nobody else knows this node yet, so its lock is not needed.
    effective_ = true;
    spread_locked();
  } else {
    host_->word().clear_cancel();
  }
}

void scope_node::unlink_locked(scope_node& child) noexcept {
  (child.prev_ ? child.prev_->next_ : first_child_) = child.next_;
  if (child.next_) child.next_->prev_ = child.prev_;
  --child_count_;
}

void scope_node::leave() noexcept {
  std::lock_guard guard(parent_->lock_);
  parent_->unlink_locked(*this);
  parent_->host_is_below_ = false;
  if (!parent_->effective_)
    host_->word().clear_cancel();
  else if (kind_ == kind::shield)
    host_->interrupt();  // it runs, so this only marks
}

void scope_node::interrupt_host() noexcept {
  if (host_ && !host_is_below_) host_->interrupt();
}

void scope_node::spread_locked() noexcept {
  interrupt_host();
  walk_locked([](scope_node& n) {
    // Relaxed: open() writes it under this lock. What is effective is so with all below it.
    if (n.effective_ || !n.passes_.load(std::memory_order_relaxed)) return false;
    n.effective_ = true;
    n.interrupt_host();
    return true;
  });
}

bool scope_node::cancel_locked() noexcept {
  if (cancelled_.load(std::memory_order_relaxed)) return false;
  cancelled_.store(true, std::memory_order_release);
  if (!effective_) {
    effective_ = true;
    spread_locked();
  }
  return true;
}

void scope_node::cancel() noexcept {
  std::lock_guard guard(lock_);
  cancel_locked();
}

void scope_node::open() noexcept {
  std::lock_guard above(parent_->lock_);
  std::lock_guard guard(lock_);
  passes_.store(true, std::memory_order_release);
  if (!parent_->effective_ || effective_) return;
  effective_ = true;
  spread_locked();
}

void scope_node::fail_parent(std::exception_ptr failure) noexcept {
  if (parent_->kind_ == kind::scope) static_cast<scope_core*>(parent_)->fail(std::move(failure));
}

void scope_node::end_child(const scope_node* cancelled_by) noexcept {
  scope_node& p = *parent_;
  p.lock_.lock();
  p.unlink_locked(*this);
  if (p.kind_ == kind::scope)
    static_cast<scope_core&>(p).child_ended_and_unlock(cancelled_by);
  else
    p.lock_.unlock();
}

const scope_node* scope_node::cancel_of(const actor_core& host) const noexcept {
  const scope_node* found = nullptr;
  for (const scope_node* n = this; n != nullptr; n = n->parent_) {
    if (n->cancelled_.load(std::memory_order_acquire)) found = n;
    if (n->kind_ != kind::shield) continue;
    if (n->host_ == &host || !n->passes_.load(std::memory_order_acquire)) break;
  }
  return found;
}

bool scope_node::encloses(const scope_node* other) const noexcept {
  // `other` may be gone, if it was below this node, so it is not followed: it is outside exactly if it is above.
  for (const scope_node* n = parent_; n != nullptr; n = n->parent_)
    if (n == other) return false;
  return true;
}

bool scope_node::is_cancelled() noexcept {
  std::lock_guard guard(lock_);
  return effective_;
}

std::size_t scope_node::children() noexcept {
  std::lock_guard guard(lock_);
  return child_count_;
}

}  // namespace weir::internal
