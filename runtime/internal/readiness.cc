#include "weir/runtime/internal/readiness.h"

#include <mutex>

#include "weir/runtime/internal/parker.h"
#include "weir/runtime/internal/plant.h"

namespace weir::internal {

void readiness::open(bool ready) noexcept {
  std::lock_guard guard(lock_);
  events_ = 0;
  // Relaxed: the object is published by whoever hands the handle on.
  for (atomic<std::uint32_t>& w : words_) w.store(ready ? ready_bit : 0, std::memory_order_relaxed);
  use_.store(handle_bit, std::memory_order_relaxed);
}

void readiness::retire() noexcept {
  std::lock_guard guard(lock_);
  ++generation_;
}

std::uint32_t readiness::generation() noexcept {
  std::lock_guard guard(lock_);
  return generation_;
}

unsigned readiness::events() noexcept {
  std::lock_guard guard(lock_);
  return events_;
}

readiness::begun readiness::begin_with(std::uint32_t bit) noexcept {
  std::uint32_t seen = use_.load(std::memory_order_relaxed);
  do {
    if (seen & closed_bit) return begun::closed;
    if (seen & bit) return begun::taken;
    // Acquire pairs with end_with(): what the operation before did to the direction is seen.
  } while (!use_.compare_exchange_weak(seen, (seen | bit) + one_operation, std::memory_order_acquire,
                                       std::memory_order_relaxed));
  return begun::yes;
}

bool readiness::end_with(std::uint32_t bit) noexcept {
  // Release: for the next operation, and for the one that closes for good, which acquires it here.
  const std::uint32_t left = use_.fetch_sub(one_operation + bit, std::memory_order_acq_rel) - one_operation - bit;
  return left < one_operation && (left & closed_bit);
}

bool readiness::close() noexcept {
  if (planted(bug::close_marked_late)) end_waits();
  std::uint32_t seen = use_.load(std::memory_order_relaxed);
  do {
    if (seen & closed_bit) return false;
  } while (!use_.compare_exchange_weak(seen, (seen | closed_bit) + one_operation, std::memory_order_acq_rel,
                                       std::memory_order_relaxed));
  if (!planted(bug::close_marked_late)) end_waits();
  return true;
}

void readiness::end_waits() noexcept {
  wait_node *readers, *writers;
  {
    std::lock_guard guard(lock_);
    readers = raise_locked(direction::read);
    writers = raise_locked(direction::write);
    for (wait_node* n = readers; n != nullptr; n = n->next) n->closed = true;
    for (wait_node* n = writers; n != nullptr; n = n->next) n->closed = true;
  }
  wake_all(readers);
  wake_all(writers);
}

bool readiness::closed_for_good() noexcept {
  // Both sides' read-modify-writes of one word: exactly one of them sees the other's mark.
  return !(use_.fetch_or(for_good_bit, std::memory_order_acq_rel) & handle_bit);
}

bool readiness::drop_handle() noexcept {
  return use_.fetch_and(~handle_bit, std::memory_order_acq_rel) & for_good_bit;  // see closed_for_good()
}

void readiness::clear(direction d, ticket t, bool unless_for_good) noexcept {
  std::lock_guard guard(lock_);
  if (unless_for_good && (events_ & for_good)) return;
  if (planted(bug::readiness_without_ticket)) t.seen_ = word(d).load(std::memory_order_relaxed);
  if (word(d).load(std::memory_order_relaxed) == t.seen_)
    word(d).store(t.seen_ & ~ready_bit, std::memory_order_release);
}

wait_result readiness::await(direction d, const wait_reason& why, deadline limit) {
  lock_.lock();
  const bool is_closed = closed();
  if (is_closed || (word(d).load(std::memory_order_relaxed) & ready_bit)) {
    lock_.unlock();
    return is_closed ? wait_result::closed : wait_result::ready;
  }
  if (limit.expired()) {
    lock_.unlock();
    return wait_result::timeout;
  }
  parker& self = current_parker();
  wait_node node(self, self.word().next_epoch());
  wake_cause cause;
  if (limit.is_never()) {
    waiting(d).push_back(node);
    cause = self.park_holding(why, lock_.key(), interruptible::yes);
  } else {
    if (self.begin_wait(interruptible::yes).cancelled) {
      lock_.unlock();
      return wait_result::cancelled;
    }
    waiting(d).push_back(node);
    lock_.unlock();
    cause = self.park(why, limit);
  }
  if (cause == wake_cause::peer) return node.closed ? wait_result::closed : wait_result::ready;
  withdraw(d, node);
  return cause == wake_cause::timeout ? wait_result::timeout : wait_result::cancelled;
}

enrolled readiness::enroll(direction d, wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  if (closed() || (word(d).load(std::memory_order_relaxed) & ready_bit)) return enroll_ready(node);
  waiting(d).push_back(node);
  return enrolled::waiting;
}

void readiness::withdraw(direction d, wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  waiting(d).unlink(node);
}

// Counts an event; who waits is claimed, for wake_all() after unlock.
wait_node* readiness::raise_locked(direction d) noexcept {
  atomic<std::uint32_t>& w = word(d);
  w.store((w.load(std::memory_order_relaxed) + one_event) | ready_bit, std::memory_order_release);
  return waiting(d).claim_all();
}

void readiness::fire(std::uint32_t generation, unsigned what) noexcept {
  wait_node *readers = nullptr, *writers = nullptr;
  {
    std::lock_guard guard(lock_);
    if (generation != generation_ && !planted(bug::late_event_taken)) return;
    events_ |= static_cast<std::uint8_t>(what);
    if (what & can_read) readers = raise_locked(direction::read);
    if (what & can_write) writers = raise_locked(direction::write);
  }
  wake_all(readers);
  wake_all(writers);
}

void readiness::stir() noexcept { fire(generation(), can_read | can_write); }

}  // namespace weir::internal
