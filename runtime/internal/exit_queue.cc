#include "weir/runtime/internal/exit_queue.h"

#include <fmt/core.h>

#include <iterator>
#include <mutex>
#include <utility>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::internal {
namespace {

class exit_wait final : public wait_reason {
 public:
  exit_wait(const char* call, std::size_t left) noexcept : call_(call), left_(left) {}
  const char* verb() const noexcept override { return call_; }
  std::string object() const override { return fmt::format("the first of {} actors", left_); }

 private:
  const char* call_;
  const std::size_t left_;
};

}  // namespace

exit_queue::hook::hook(exit_queue& queue, std::size_t index, actor_core& a) noexcept
    : standing_wait(&deliver), owner(queue), number(index), actor(&a), node(*this, stand()) {
  a.retain();
}

void exit_queue::hook::deliver(parker* self) noexcept {
  hook& h = *static_cast<hook*>(self);
  exit_queue& q = h.owner;
  wait_node* woken = nullptr;
  {
    std::lock_guard guard(q.lock_);
    q.arrived_.push(h);
    ++q.arrived_count_;
    woken = q.owner_.claim_first();
  }
  if (woken) woken->owner->wake();
}

void exit_queue::watch(actor_core& a) {
  if (&a == current_actor())
    throw_misuse(call_, "an actor cannot wait for its own end", fmt::format("actor \"{}\" (#{})", a.name(), a.id()),
                 "Leave it out of the range.", where_);
  hook& h = hooks_.emplace_back(*this, watched_, a);
  h.place = std::prev(hooks_.end());
  ++watched_;
  if (!a.exited().enlist(h.node) && h.take_back()) hook::deliver(&h);
}

wake_cause exit_queue::wait_and_unlock(interruptible i, deadline limit) {
  parker& self = current_parker();
  const auto opened = self.begin_wait(i);
  if (opened.cancelled) {
    lock_.unlock();
    return wake_cause::cancel;
  }
  wait_node node(self, opened.epoch);
  owner_.push_back(node);
  lock_.unlock();
  const wake_cause cause = self.park(exit_wait(call_, left()), limit);
  std::lock_guard guard(lock_);
  owner_.unlink(node);
  return cause;
}

exit_queue::ended exit_queue::take(hook& h) {
  ended e{h.number, std::move(h.actor)};
  hooks_.erase(h.place);
  return e;
}

std::optional<exit_queue::ended> exit_queue::try_pop() {
  hook* h = nullptr;
  {
    std::lock_guard guard(lock_);
    h = arrived_.pop();
    if (h == nullptr) return {};
    --arrived_count_;
  }
  return take(*h);
}

std::optional<exit_queue::ended> exit_queue::pop(deadline limit) {
  for (bool quiet = std::uncaught_exceptions() > 0;;) {
    if (std::optional<ended> e = try_pop()) return e;
    lock_.lock();
    if (!arrived_.empty()) {
      lock_.unlock();
      continue;
    }
    switch (wait_and_unlock(quiet ? interruptible::no : interruptible::yes, limit)) {
      case wake_cause::peer:
        break;
      case wake_cause::timeout:
        return {};
      case wake_cause::cancel:
        meet_cancel(call_);
        quiet = true;  // in a shield whose grace is over, it waits on
    }
  }
}

bool exit_queue::enlist(wait_node& n) noexcept {
  std::lock_guard guard(lock_);
  if (arrived_.empty()) owner_.push_back(n);
  return arrived_.empty();
}

void exit_queue::withdraw(wait_node& n) noexcept {
  std::lock_guard guard(lock_);
  owner_.unlink(n);
}

exit_queue::~exit_queue() {
  // Those that were taken back are gone from their lists, and the rest have been, or will be, delivered.
  std::size_t taken_back = 0;
  for (hook& h : hooks_)
    if (h.take_back()) {
      ++taken_back;
      h.actor->exited().withdraw(h.node);
    }
  for (;;) {
    lock_.lock();
    if (arrived_count_ + taken_back >= hooks_.size()) break;
    wait_and_unlock(interruptible::no, {});
  }
  lock_.unlock();
}

}  // namespace weir::internal
