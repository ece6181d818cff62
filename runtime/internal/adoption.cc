#include "weir/runtime/internal/adoption.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "weir/runtime/internal/plant.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {

bool worker::wish_adoption(std::uint32_t turns) noexcept {
  if (running() == nullptr) return false;  // asleep
  const std::uint64_t here = std::uint64_t{turns} * 2 + 1;
  const bool went_on = stuck_.exchange(here, std::memory_order_relaxed) != here;
  const time_point due = timers_.next();
  const bool other_due = std::exchange(told_due_, due) != due;
  worker* const adopter = adopter_.load(std::memory_order_relaxed);
  if (adopter != nullptr && !adopter->is_stuck()) {
    // It may sleep until a moment that it found in the heap before this worker put in an earlier one: when it went on,
    // or in this very turn, as the deadline of a scope.
    if (went_on || other_due) adopter->ring();
    return false;
  }
  return watches() || due != time_point::max() || scheduler::has_request(seat_);
}

// It still stands where the watchdog saw it. A hint: it may go on at any moment.
bool worker::is_stuck() const noexcept {
  return stuck_.load(std::memory_order_relaxed) == std::uint64_t{seat_.turns.load(std::memory_order_relaxed)} * 2 + 1 &&
         running() != nullptr;
}

void worker::adopt_stuck(time_point now) {
  if (!runtime_.scheduler().take_adoption_wish()) return;
  end_adoption(*this);  // who runs looks after itself
  for (int i = 0; i < runtime_.worker_count(); ++i) {
    worker& w = runtime_.worker_at(i);
    if (&w != this && adopt(w)) look_after(w, now);
  }
}

// False: it is not stuck, or it has an adopter, or this worker has as many as it can look after.
bool worker::adopt(worker& w) noexcept {
  std::lock_guard guard(w.adoption_lock_);
  if (!w.is_stuck()) return false;
  if (const worker* const before = w.adopter_.load(std::memory_order_relaxed)) {
    if (before == this || !before->is_stuck()) return false;
    end_adoption_locked(w);
  }
  if (adopted_.load(std::memory_order_relaxed) == most_adopted) return false;  // the watchdog wishes again
  adopted_.fetch_add(1, std::memory_order_relaxed);
  w.adopter_.store(this, std::memory_order_relaxed);
  w.seat_.adopter.store(&seat_, std::memory_order_seq_cst);
  return true;
}

void worker::end_adoption(worker& w) noexcept {
  if (w.adopter_.load(std::memory_order_relaxed) == nullptr) return;
  std::lock_guard guard(w.adoption_lock_);
  end_adoption_locked(w);
}

void worker::end_adoption_locked(worker& w) noexcept {
  worker* const adopter = w.adopter_.load(std::memory_order_relaxed);
  if (adopter == nullptr) return;
  w.seat_.adopter.store(nullptr, std::memory_order_seq_cst);
  w.adopter_.store(nullptr, std::memory_order_relaxed);
  adopter->adopted_.fetch_sub(1, std::memory_order_relaxed);
}

void worker::look_after_adopted(time_point now) {
  looked_after_ = now;
  for (int i = 0; i < runtime_.worker_count(); ++i) {
    worker& w = runtime_.worker_at(i);
    if (w.adopter_.load(std::memory_order_relaxed) == this) look_after(w, now);
  }
}

// The set first, as in tend().
void worker::look_after(worker& w, time_point now) {
  w.ask(now);
  w.timers_.expire(now);
  w.run_requests();
  if (w.is_stuck()) return;  // a bell was for a sleep that is over
  end_adoption(w);
  // It may sleep until a moment that it found before its loop was run here; and the bell heard here may be for this
  // sleep.
  if (!planted(bug::adoption_skip_bell)) runtime_.scheduler().call(w.seat_);
}

bool worker::adopted_has_request() noexcept {
  if (adopted_.load(std::memory_order_relaxed) == 0 || planted(bug::adoption_skip_look)) return false;
  for (int i = 0; i < runtime_.worker_count(); ++i) {
    worker& w = runtime_.worker_at(i);
    if (w.adopter_.load(std::memory_order_relaxed) == this && scheduler::has_request(w.seat_)) return true;
  }
  return false;
}

time_point worker::adopted_due() noexcept {
  time_point due = time_point::max();
  if (adopted_.load(std::memory_order_relaxed) == 0) return due;
  for (int i = 0; i < runtime_.worker_count(); ++i) {
    worker& w = runtime_.worker_at(i);
    if (w.adopter_.load(std::memory_order_relaxed) == this) due = std::min({due, w.timers_.next(), w.loop_due()});
  }
  return due;
}

}  // namespace weir::internal
