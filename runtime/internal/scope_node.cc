#include "weir/runtime/internal/scope_node.h"

#include <fmt/core.h>

#include <mutex>
#include <new>

#include "weir/runtime/internal/actor_core.h"

namespace weir::internal {
namespace {

class scope_wait final : public wait_reason {
 public:
  explicit scope_wait(scope_node& scope) noexcept : scope_(scope) {}
  const char* verb() const noexcept override { return "wait"; }
  std::string object() const override {
    return fmt::format("scope {}:{} ({} alive)", scope_.where().base(), scope_.where().line, scope_.children());
  }

 private:
  scope_node& scope_;
};

}  // namespace

void scope_node::attach(scope_node& parent) noexcept {
  parent_ = &parent;
  std::lock_guard guard(parent.lock_);
  next_ = parent.first_child_;
  if (next_) next_->prev_ = this;
  parent.first_child_ = this;
  ++parent.child_count_;
  if (parent.effective_) {
    // Nobody else knows this node yet, so its lock is not needed.
    effective_ = true;
    spread_locked();
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
  if (!parent_->effective_) host_->forget_cancel();
}

void scope_node::spread_locked() noexcept {
  if (host_) host_->interrupt();
  walk_locked([](scope_node& n) {
    if (n.effective_) return false;  // and so is all below
    n.effective_ = true;
    if (n.host_) n.host_->interrupt();
    return true;
  });
}

void scope_node::cancel() noexcept {
  std::lock_guard guard(lock_);
  cancelled_.store(true, std::memory_order_release);
  if (effective_) return;
  effective_ = true;
  spread_locked();
}

void scope_node::fail_locked(std::exception_ptr failure) noexcept {
  if (first_failure_) {
    try {
      other_failures_.push_back(std::move(failure));
    } catch (const std::bad_alloc&) {
      // The first one is what with_scope throws; for the list of the others there is no memory.
    }
    return;
  }
  first_failure_ = std::move(failure);
  cancelled_.store(true, std::memory_order_release);
  if (effective_) return;
  effective_ = true;
  spread_locked();
}

void scope_node::fail(std::exception_ptr failure) noexcept {
  std::lock_guard guard(lock_);
  fail_locked(std::move(failure));
}

void scope_node::fail_parent(std::exception_ptr failure) noexcept {
  if (parent_->kind_ == kind::scope) parent_->fail(std::move(failure));
}

void scope_node::end_child(const scope_node* cancelled_by) noexcept {
  wait_node* woken = nullptr;
  {
    scope_node& p = *parent_;
    std::lock_guard guard(p.lock_);
    p.unlink_locked(*this);
    if (p.kind_ == kind::scope) {
      if (cancelled_by && !p.encloses(cancelled_by)) p.ended_by_outer_ = cancelled_by;
      if (p.first_child_ == nullptr) woken = p.drained_.claim_all();
    }
    // After the lock is free, the parent is gone as soon as its host runs.
  }
  wake_all(woken);
}

void scope_node::wait_children() {
  parker& self = *host_;
  lock_.lock();
  if (first_child_ == nullptr) {
    lock_.unlock();
    return;
  }
  wait_node node(self, self.word().next_epoch());
  drained_.push_back(node);
  self.park_holding(scope_wait(*this), lock_.key(), interruptible::no);
}

const scope_node* scope_node::outermost_cancelled() const noexcept {
  const scope_node* found = nullptr;
  for (const scope_node* n = this; n != nullptr; n = n->parent_)
    if (n->cancelled_.load(std::memory_order_acquire)) found = n;
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
