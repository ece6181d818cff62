#include "weir/runtime/internal/scheduler.h"

#include <mutex>

#include "weir/runtime/internal/worker.h"

namespace weir::internal {

worker* scheduler::call_locked(seat& s) noexcept {
  if (!s.asleep) return nullptr;
  idle_.remove(s);
  s.asleep = false;
  return s.self;
}

worker* scheduler::call_one_locked() noexcept {
  if (searching_ || idle_.empty()) return nullptr;
  seat& s = *idle_.pop();
  s.asleep = false;
  s.searching = searching_ = true;
  return s.self;
}

void scheduler::push(actor_core& a, seat* pinned_to) noexcept {
  worker* rung = nullptr;
  {
    std::lock_guard guard(lock_);
    if (pinned_to) {
      pinned_to->inbox.push(a);
      pinned_to->mail.store(true, std::memory_order_relaxed);
      rung = call_locked(*pinned_to);
    } else {
      queue_.push(a);
      length_.fetch_add(1, std::memory_order_relaxed);
      rung = call_one_locked();
    }
  }
  if (rung) rung->ring();
}

actor_core* scheduler::pop(seat& s) noexcept {
  worker* rung = nullptr;
  actor_core* a = nullptr;
  {
    std::lock_guard guard(lock_);
    a = s.inbox.pop();
    if (a != nullptr) {
      s.mail.store(!s.inbox.empty() || !s.requests.empty(), std::memory_order_relaxed);
    } else {
      a = queue_.pop();
      if (a != nullptr) length_.fetch_sub(1, std::memory_order_relaxed);
    }
    if (a != nullptr && s.searching) {
      s.searching = searching_ = false;
      if (!queue_.empty()) rung = call_one_locked();
    }
  }
  if (rung) rung->ring();
  return a;
}

void scheduler::post(seat& s, loop_request& r) noexcept {
  worker* rung = nullptr;
  {
    std::lock_guard guard(lock_);
    s.requests.push(r);
    s.mail.store(true, std::memory_order_relaxed);
    rung = call_locked(s);
  }
  if (rung) rung->ring();
}

loop_request* scheduler::pop_request(seat& s) noexcept {
  if (!s.mail.load(std::memory_order_relaxed)) return nullptr;  // begin_sleep() looks again under the lock
  std::lock_guard guard(lock_);
  loop_request* const r = s.requests.pop();
  s.mail.store(!s.inbox.empty() || !s.requests.empty(), std::memory_order_relaxed);
  return r;
}

bool scheduler::begin_search(seat& s) noexcept {
  std::lock_guard guard(lock_);
  if (s.searching) return true;
  if (searching_) return false;
  s.searching = searching_ = true;
  return true;
}

bool scheduler::begin_sleep(seat& s) noexcept {
  std::lock_guard guard(lock_);
  if (s.searching) s.searching = searching_ = false;
  if (!queue_.empty() || !s.inbox.empty() || !s.requests.empty() || stopping()) return false;
  idle_.push(s);
  s.asleep = true;
  return true;
}

void scheduler::end_sleep(seat& s) noexcept {
  std::lock_guard guard(lock_);
  if (!s.asleep) return;
  idle_.remove(s);
  s.asleep = false;
}

void scheduler::stop() noexcept {
  fifo<seat, &seat::next_idle> sleepers;
  {
    std::lock_guard guard(lock_);
    stopping_.store(true, std::memory_order_relaxed);
    while (seat* s = idle_.pop()) {
      s->asleep = false;
      sleepers.push(*s);
    }
  }
  while (seat* s = sleepers.pop()) s->self->ring();
}

}  // namespace weir::internal
