#include "weir/runtime/internal/scheduler.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "weir/runtime/internal/check.h"
#include "weir/runtime/internal/plant.h"
#include "weir/runtime/internal/random.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {

namespace {

// An actor that waited in inject is cold, and so is the top of its stack below it: by its turn they are not.
void prefetch(const actor_core& a) noexcept {
  constexpr int line = 64, below = 4, above = 8;
  const char* const block = reinterpret_cast<const char*>(&a);
  for (int i = -below; i < above; ++i) __builtin_prefetch(block + i * line);
}

}  // namespace

void scheduler::add(seat& s) {
  s.index = static_cast<int>(seats_.size());
  seats_.push_back(&s);
  alone_ = seats_.size() == 1;
}

void scheduler::call_one() noexcept {
  if (idle_seat* const called = idle_.call_one()) static_cast<seat*>(called)->self->ring();
}

void scheduler::push_local(seat& s, actor_core& a, kind k) noexcept {
  if (migrate_ && !alone_) return push_elsewhere(a.ran_by() != nullptr ? a.ran_by()->seat() : s, a);
  if (k == kind::spawned) return push_fresh(s, a);
  // Relaxed: only the owner fills it. A thief may empty it meanwhile, and then the exchange gives null.
  actor_core* before = s.next.load(std::memory_order_relaxed);
  if (before == nullptr || alone_)
    s.next.store(&a, std::memory_order_release);  // pairs with the acquire of whoever takes it
  else
    before = s.next.exchange(&a, std::memory_order_acq_rel);
  if (before != nullptr) push_ring(s, *before);
}

void scheduler::push_back(seat& s, actor_core& a) noexcept {
  if (migrate_ && !alone_)
    push_elsewhere(s, a);
  else
    push_ring(s, a);
}

// Null if `next` is empty, or was used too often in a row.
inline actor_core* scheduler::pop_next(seat& s) noexcept {
  actor_core* a = s.next.load(std::memory_order_relaxed);
  if (a == nullptr) {
    s.streak = 0;
    return nullptr;
  }
  if (alone_)
    s.next.store(nullptr, std::memory_order_relaxed);
  else if ((a = s.next.exchange(nullptr, std::memory_order_acq_rel)) == nullptr)
    return nullptr;
  if (++s.streak <= longest_streak) return a;
  s.streak = 0;
  push_ring(s, *a);
  return nullptr;
}

void scheduler::push_ring(seat& s, actor_core& a) noexcept {
  if (!(alone_ ? s.ring.push_alone(a) : s.ring.push(a)))
    overflow(a, [&] { return alone_ ? s.ring.pop_alone() : s.ring.pop(); });
  else if (!alone_ && s.ring.size() >= 2 && !rounds_.still_dense())
    call_one();
}

// A new actor may run for long, so it is offered at once to others if it is not alone.
void scheduler::push_fresh(seat& s, actor_core& a) noexcept {
  if (!(alone_ ? s.fresh.push_alone(a) : s.fresh.push(a)))
    overflow(a, [&] { return s.fresh.steal_oldest(); });
  else if (!alone_ && s.fresh.size() >= 2)
    call_one();
}

// Half of a full queue, from which take() takes the oldest, and then `a` go to inject, in their order.
template <class Take>
void scheduler::overflow(actor_core& a, Take&& take) noexcept {
  fifo<actor_core, &actor_core::queue_next> out;
  std::size_t count = 1;
  for (std::uint32_t i = 0; i < run_ring<actor_core>::capacity / 2; ++i) {
    actor_core* const item = take();
    if (item == nullptr) break;
    out.push(*item);
    ++count;
  }
  out.push(a);
  {
    std::lock_guard guard(inject_lock_);
    inject_.append(out);
    inject_length_.fetch_add(count, std::memory_order_seq_cst);
  }
  call_one();
}

void scheduler::push_foreign(actor_core& a, bell b) noexcept {
  if (migrate_ && !alone_ && a.ran_by() != nullptr) return push_elsewhere(a.ran_by()->seat(), a);
  {
    std::lock_guard guard(inject_lock_);
    inject_.push(a);
    inject_length_.fetch_add(1, std::memory_order_seq_cst);
  }
  if (b == bell::by_round && rounds_.arrived()) return;
  call_one();
}

void scheduler::push_mail(seat& s, actor_core& a) noexcept {
  {
    std::lock_guard guard(s.mail_lock);
    s.inbox.push(a);
    ++s.inbox_length;
    s.mail.store(true, std::memory_order_seq_cst);
  }
  if (idle_seat* const called = idle_.call(s)) static_cast<seat*>(called)->self->ring();
}

void scheduler::push_elsewhere(const seat& last, actor_core& a) noexcept {
  push_mail(*seats_[(static_cast<std::size_t>(last.index) + 1) % seats_.size()], a);
}

void scheduler::push_pinned(seat& s, actor_core& a) noexcept { push_mail(s, a); }

void scheduler::post(seat& s, loop_request& r) noexcept {
  {
    std::lock_guard guard(s.mail_lock);
    s.requests.push(r);
    s.mail.store(true, std::memory_order_seq_cst);
  }
  idle_seat* called = idle_.call(s);
  if (called == nullptr)
    if (seat* const adopter = s.adopter.load(std::memory_order_seq_cst)) called = idle_.call(*adopter);
  if (called != nullptr) static_cast<seat*>(called)->self->ring();
}

bool scheduler::has_request(seat& s) noexcept {
  std::lock_guard guard(s.mail_lock);
  return !s.requests.empty();
}

void scheduler::call(seat& s) noexcept {
  idle_.call(s);
  s.self->ring();  // also if it is awake: it may be about to sleep
}

void scheduler::wish_adoption() noexcept {
  adoption_wished_.store(true, std::memory_order_release);
  call_one();
  end_rests();
}

loop_request* scheduler::pop_request(seat& s) noexcept {
  if (!s.mail.load(std::memory_order_relaxed)) return nullptr;  // begin_sleep() looks again
  std::lock_guard guard(s.mail_lock);
  loop_request* const r = s.requests.pop();
  s.mail.store(!s.inbox.empty() || !s.requests.empty(), std::memory_order_seq_cst);
  return r;
}

actor_core* scheduler::pop_inbox(seat& s) noexcept {
  std::lock_guard guard(s.mail_lock);
  actor_core* const a = s.inbox.pop();
  if (a != nullptr) --s.inbox_length;
  s.inbox_last = a != nullptr;
  s.expects_mail |= a != nullptr;
  s.mail.store(!s.inbox.empty() || !s.requests.empty(), std::memory_order_seq_cst);
  return a;
}

// Takes up to `most` from inject, but no more than this worker's share: one is returned, the others go to the ring.
actor_core* scheduler::pop_inject(seat& s, std::size_t most) noexcept {
  if (inject_length_.load(std::memory_order_relaxed) == 0) return nullptr;  // begin_sleep() looks again
  std::lock_guard guard(inject_lock_);
  const std::size_t length = inject_length_.load(std::memory_order_relaxed);
  // There is room for all of them: only this worker fills its ring.
  const std::size_t room = run_ring<actor_core>::capacity - s.ring.size();
  const std::size_t count = std::min({most, length / seats_.size() + 1, room + 1});
  actor_core* const first = inject_.pop();
  if (first == nullptr) return nullptr;
  std::size_t taken = 1;
  for (; taken < count && inject_.front() != nullptr; ++taken) {
    // Out of the list first: from the push on a thief may have it, run it, and link it elsewhere.
    actor_core* const a = planted(bug::inject_late_pop) ? inject_.front() : inject_.pop();
    prefetch(*a);
    const bool pushed = s.ring.push(*a);
    if (planted(bug::inject_late_pop)) inject_.pop();
    WEIR_CHECK(pushed, std::string("a ring with room was full"));
  }
  inject_length_.fetch_sub(taken, std::memory_order_seq_cst);
  return first;
}

// A fresh one.
inline actor_core* scheduler::pop_fresh(seat& s) noexcept {
  if (std::exchange(s.oldest_first, false)) return s.fresh.steal_oldest();
  return alone_ ? s.fresh.pop_newest_alone() : s.fresh.pop_newest();
}

// Fresh first: who gives way after many spawns stands in the ring, and they are to run before it makes more.
inline actor_core* scheduler::pop_queues(seat& s) noexcept {
  actor_core* a = nullptr;
  if (s.fresh_streak < longest_fresh_streak && (a = pop_fresh(s)) != nullptr) {
    ++s.fresh_streak;
    return a;
  }
  s.fresh_streak = 0;
  a = alone_ ? s.ring.pop_alone() : s.ring.pop();
  return a != nullptr ? a : pop_fresh(s);
}

actor_core* scheduler::pop(seat& s) noexcept {
  s.turns.store(s.turns.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // own
  actor_core* a = nullptr;
  if (--s.until_inject == 0) [[unlikely]] {
    s.until_inject = inject_turns;
    a = pop_inject(s, 1);
  }
  // Mail and the other queues take turns.
  const bool mail = s.mail.load(std::memory_order_relaxed);  // begin_sleep() looks again
  const bool inbox_first = mail && !std::exchange(s.inbox_last, false);
  if (a == nullptr && inbox_first) a = pop_inbox(s);
  if (a == nullptr) a = pop_next(s);
  if (a == nullptr) a = pop_queues(s);
  if (a == nullptr) a = pop_inject(s, run_ring<actor_core>::capacity / 2);
  if (a == nullptr && mail && !inbox_first) a = pop_inbox(s);
  if (a != nullptr && s.searching) [[unlikely]]
    found(s);
  return a;
}

void scheduler::found(seat& s) noexcept {
  idle_.end_search(s);
  if (work_is_visible() && !rounds_.still_dense()) call_one();
}

bool scheduler::work_is_visible() noexcept {
  if (!planted(bug::inject_skip_recheck) && inject_length_.load(std::memory_order_seq_cst) != 0) return true;
  return std::any_of(seats_.begin(), seats_.end(),
                     [](const seat* other) { return other->ring.size() >= 2 || other->fresh.size() >= 2; });
}

actor_core* scheduler::steal(seat& s) noexcept {
  const auto count = static_cast<std::uint32_t>(seats_.size());
  const std::uint32_t first = thread_random().below(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    seat& victim = *seats_[(first + i) % count];
    if (&victim == &s) continue;
    if (victim.fresh.size() >= 2)
      if (actor_core* const a = victim.fresh.steal_oldest()) return a;
    if (victim.ring.size() >= 2)
      if (actor_core* const a = victim.ring.steal_into(s.ring)) return a;
  }
  return nullptr;
}

// From workers that have not switched since `turns` was read: anything they have.
actor_core* scheduler::steal_from_stuck(seat& s, const std::uint32_t* turns) noexcept {
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    seat& victim = *seats_[i];
    if (&victim == &s || victim.turns.load(std::memory_order_relaxed) != turns[i]) continue;
    if (actor_core* const a = victim.fresh.steal_oldest()) return a;
    if (actor_core* const a = victim.ring.steal_into(s.ring)) return a;
    if (victim.next.load(std::memory_order_relaxed) != nullptr)
      if (actor_core* const a = victim.next.exchange(nullptr, std::memory_order_acq_rel)) return a;
  }
  return nullptr;
}

actor_core* scheduler::search(seat& s, time_point until) noexcept {
  WEIR_CHECK(s.ring.size() == 0, std::string("a searcher's own ring must be empty"));
  const auto most = static_cast<std::uint32_t>(std::max<std::size_t>(1, seats_.size() / 2));
  const bool alone_with_mail = !idle_.begin_search(s, most);
  if (alone_with_mail && !s.expects_mail) return nullptr;
  std::array<std::uint32_t, 64> turns;  // workers beyond are not rescued by a search, only by the watchdog
  const std::size_t watched = std::min(turns.size(), seats_.size());
  for (std::size_t i = 0; i < watched; ++i) turns[i] = seats_[i]->turns.load(std::memory_order_relaxed);
  actor_core* a = nullptr;
  do {
    // Relaxed looks: begin_sleep() looks again in the handshake.
    if (s.mail.load(std::memory_order_relaxed) || stopping()) return nullptr;
    if (!alone_with_mail) {
      a = pop_inject(s, run_ring<actor_core>::capacity / 2);
      if (a == nullptr) a = steal(s);
      if (a != nullptr) break;
    }
    spin_pause();
  } while (now() < until);
  s.expects_mail = false;
  if (alone_with_mail) return nullptr;
  if (a == nullptr && seats_.size() <= watched) a = steal_from_stuck(s, turns.data());
  if (a != nullptr) found(s);
  return a;
}

// The look that the handshake asks for.
bool scheduler::has_mail(seat& s) noexcept {
  return !planted(bug::mail_skip_recheck) && s.mail.load(std::memory_order_seq_cst);
}

bool scheduler::begin_sleep(seat& s) noexcept {
  idle_.begin_sleep(s);
  return !has_mail(s) && !stopping() && !work_is_visible();
}

bool scheduler::begin_rest(seat& s) noexcept {
  idle_.begin_rest(s);
  // Who published while this worker was a searcher has called nobody.
  if (work_is_visible()) call_one();
  return !has_mail(s) && !stopping() && inject_length_.load(std::memory_order_seq_cst) == 0;
}

void scheduler::end_rests() noexcept {
  for (seat* s : seats_)
    if (idle_.end_rest(*s)) s->self->ring();
}

void scheduler::call_for_help(seat& s) noexcept {
  if (waiting_behind(s) < 2 && waiting_for_anybody() == 0) return;
  call_one();
  end_rests();
}

void scheduler::unload(seat& s) noexcept {
  if (alone_) return;
  fifo<actor_core, &actor_core::queue_next> out;
  std::size_t count = 0;
  const auto take = [&](actor_core* a) {
    if (a == nullptr) return;
    out.push(*a);
    ++count;
  };
  run_ring<actor_core> stolen;
  while (actor_core* const a = s.ring.steal_into(stolen)) {
    // `stolen` holds those that come before `a`.
    while (actor_core* const earlier = stolen.pop()) take(earlier);
    take(a);
  }
  while (actor_core* const a = s.fresh.steal_oldest()) take(a);
  if (s.next.load(std::memory_order_relaxed) != nullptr) take(s.next.exchange(nullptr, std::memory_order_acq_rel));
  {
    std::lock_guard guard(s.mail_lock);
    fifo<actor_core, &actor_core::queue_next> pinned;
    std::size_t kept = 0;
    while (actor_core* const a = s.inbox.pop())
      if (a->pinned() >= 0) {
        pinned.push(*a);
        ++kept;
      } else {
        take(a);
      }
    s.inbox = pinned;
    s.inbox_length = kept;
    s.mail.store(!s.inbox.empty() || !s.requests.empty(), std::memory_order_seq_cst);
  }
  if (count == 0) return;
  {
    std::lock_guard guard(inject_lock_);
    inject_.append(out);
    inject_length_.fetch_add(count, std::memory_order_seq_cst);
  }
  call_one();
  end_rests();
}

std::size_t scheduler::waiting_behind(seat& s) noexcept {
  std::lock_guard guard(s.mail_lock);
  return s.inbox_length + s.ring.size() + s.fresh.size() + (s.next.load(std::memory_order_relaxed) != nullptr ? 1 : 0);
}

bool scheduler::anything_queued() const noexcept {
  if (inject_length_.load(std::memory_order_seq_cst) != 0) return true;
  return std::any_of(seats_.begin(), seats_.end(), [](const seat* s) {
    return s->mail.load(std::memory_order_seq_cst) || s->ring.size() != 0 || s->fresh.size() != 0 ||
           s->next.load(std::memory_order_acquire) != nullptr;
  });
}

void scheduler::stop() noexcept {
  stopping_.store(true, std::memory_order_seq_cst);
  for (seat* s : seats_)
    if (idle_.call(*s)) s->self->ring();
}

}  // namespace weir::internal
