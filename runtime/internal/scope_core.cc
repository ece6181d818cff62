#include "weir/runtime/internal/scope_core.h"

#include <fmt/core.h>

#include <mutex>
#include <new>
#include <utility>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::internal {
namespace {

class scope_wait final : public wait_reason {
 public:
  scope_wait(const char* verb, scope_node& scope) noexcept : verb_(verb), scope_(scope) {}
  const char* verb() const noexcept override { return verb_; }
  std::string object() const override {
    return fmt::format("scope {}:{} ({} alive)", scope_.where().base(), scope_.where().line, scope_.children());
  }
  void add_targets(std::vector<wait_target>& out) const override {
    out.push_back(
        {wait_target::kind::actors, &scope_, fmt::format("scope {}:{}", scope_.where().base(), scope_.where().line)});
  }
  site where() const noexcept override { return scope_.where(); }

 private:
  const char* verb_;
  scope_node& scope_;
};

}  // namespace

void scope_core::fail(std::exception_ptr failure) noexcept {
  std::lock_guard guard(lock_);
  if (first_failure_) {
    try {
      other_failures_.push_back(std::move(failure));
    } catch (const std::bad_alloc&) {
      // The first one is what with_scope throws; for the list of the others there is no memory.
    }
    return;
  }
  first_failure_ = std::move(failure);
  cancel_locked();
}

void scope_core::expire() noexcept {
  std::lock_guard guard(lock_);
  if (cancel_locked()) expired_ = true;
}

void scope_core::admit() {
  if (limit_ == 0) return;
  for (interruptible i = interruptible::yes;; i = interruptible::no) {
    parker& self = current_parker();
    lock_.lock();
    if (places_taken_ < limit_) {
      ++places_taken_;
      lock_.unlock();
      return;
    }
    const auto opened = self.begin_wait(i);
    if (opened.cancelled) {
      lock_.unlock();
    } else {
      wait_node node(self, opened.epoch);
      spawners_.push_back(node);
      lock_.unlock();
      if (self.park(scope_wait("spawn", *this)) == wake_cause::peer) return;
      std::lock_guard guard(lock_);
      spawners_.unlink(node);
    }
    meet_cancel("spawn");
  }
}

wait_node* scope_core::pass_place_locked() noexcept {
  if (limit_ == 0) return nullptr;
  wait_node* const next = spawners_.claim_first();
  if (next == nullptr) --places_taken_;
  return next;
}

void scope_core::give_place_back() noexcept {
  wait_node* spawner = nullptr;
  {
    std::lock_guard guard(lock_);
    spawner = pass_place_locked();
  }
  if (spawner) spawner->owner->wake();
}

void scope_core::child_ended_and_unlock(const scope_node* cancelled_by) noexcept {
  if (cancelled_by == this)
    child_was_cut_ = true;
  else if (cancelled_by != nullptr && !encloses(cancelled_by))
    ended_by_outer_ = true;
  wait_node* const spawner = pass_place_locked();
  wait_node* const host = childless_locked() ? drained_.claim_all() : nullptr;
  lock_.unlock();
  // From here on the scope is gone as soon as its host runs; a spawner is its host, or an actor in it that is a child.
  if (spawner) spawner->owner->wake();
  wake_all(host);
}

void scope_core::wait_children() {
  parker& self = *host();
  lock_.lock();
  if (childless_locked()) {
    lock_.unlock();
    return;
  }
  wait_node node(self, self.word().next_epoch());
  drained_.push_back(node);
  self.park_holding(scope_wait("wait", *this), lock_.key(), interruptible::no);
}

}  // namespace weir::internal
