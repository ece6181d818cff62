// Who searches and who sleeps: the eventcount that makes sure that work is seen by somebody.
//
// Thread-safety: all of it.
//
// The handshake, which needs sequential consistency in four places and has it:
//   waker:   publishes the work (seq_cst store)          sleeper: announces itself (seq_cst read-modify-write of word_)
//            reads word_ (seq_cst)                                looks at every source once more (seq_cst)
// In the one order of all these, either the waker's read comes after the announcement, and it calls the sleeper; or the
// sleeper's look comes after the publication, and it finds the work. The same holds for a searcher that stops
// searching: it lowers the count, and then looks once more, because wakers that saw it search did not call anybody. No
// fences: ThreadSanitizer does not know them.
//
// Invariants:
//  1. word_ counts searchers in its lower half, sleepers in its upper half. Sleepers are the seats in list_; both
//  change under lock_. A resting seat is asleep, but in neither.
//  2. Who is called leaves the list and is a searcher from then on, so that others are not called for the same work.
#pragma once

#include <cstdint>

#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/fifo.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

// What idle_workers keeps of each worker. `asleep` is written under the lock in idle_workers; `searching` is the
// worker's own, and set by a caller while the worker is in the list.
struct idle_seat {
  idle_seat* next_idle = nullptr;
  atomic<bool> asleep{false};  // seq_cst where a mail's sender reads it without the lock: the handshake above
  bool searching = false;
  bool resting = false;  // asleep, but not in the list; guarded like `asleep`
};

class idle_workers {
 public:
  // Waker, after a seq_cst publication: the seat to ring, or null if nobody needs to be called.
  idle_seat* call_one() noexcept {
    const std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    if (searchers(seen) != 0 || sleepers(seen) == 0) return nullptr;
    lock_.lock();
    idle_seat* const s = list_.front();
    if (s != nullptr) wake_locked(*s, one_searcher);
    lock_.unlock();
    return s;
  }

  // The same for one certain worker, whose own mail was published. Null if it is awake: it will look.
  idle_seat* call(idle_seat& s) noexcept {
    if (!s.asleep.load(std::memory_order_seq_cst)) return nullptr;
    lock_.lock();
    const bool asleep = s.asleep.load(std::memory_order_relaxed);
    if (asleep) wake_locked(s, one_searcher);
    lock_.unlock();
    return asleep ? &s : nullptr;
  }

  // True: the worker is a searcher now, one of at most `most`.
  bool begin_search(idle_seat& s, std::uint32_t most) noexcept {
    if (s.searching) return true;
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while (searchers(seen) < most)
      if (word_.compare_exchange_weak(seen, seen + one_searcher, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
        s.searching = true;
        return true;
      }
    return false;
  }
  // The caller must look at all sources afterwards: see above.
  void end_search(idle_seat& s) noexcept {
    if (!s.searching) return;
    s.searching = false;
    word_.fetch_sub(one_searcher, std::memory_order_seq_cst);
  }

  // Announces the sleep; ends the search. The caller must look at all sources afterwards, and then sleep or
  // end_sleep().
  void begin_sleep(idle_seat& s) noexcept {
    lock_.lock();
    list_.push(s);
    s.asleep.store(true, std::memory_order_seq_cst);
    const std::uint32_t change = one_sleeper - (s.searching ? one_searcher : 0);
    s.searching = false;
    word_.fetch_add(change, std::memory_order_seq_cst);
    lock_.unlock();
  }
  // The same for a sleep in which the worker does not want to be called for work that anybody could do, only for its
  // own mail. It counts as awake, so it must not sleep for long.
  void begin_rest(idle_seat& s) noexcept {
    lock_.lock();
    s.asleep.store(true, std::memory_order_seq_cst);
    s.resting = true;
    if (s.searching) word_.fetch_sub(one_searcher, std::memory_order_seq_cst);
    s.searching = false;
    lock_.unlock();
  }
  // The seat to ring, if `s` rests: it is called for work after all.
  idle_seat* end_rest(idle_seat& s) noexcept {
    lock_.lock();
    const bool resting = s.resting;
    if (resting) wake_locked(s, one_searcher);
    lock_.unlock();
    return resting ? &s : nullptr;
  }
  // Awake for another reason than a call, or after one.
  void end_sleep(idle_seat& s) noexcept {
    lock_.lock();
    if (s.asleep.load(std::memory_order_relaxed)) wake_locked(s, 0);
    lock_.unlock();
  }

  // How many sleep, and a number that differs if any of them has been called, or has woken by itself, in between. For
  // the look at whether anything can still run (quiescence.h).
  struct census {
    std::uint32_t sleepers;
    std::uint32_t departures;
    bool operator==(const census&) const = default;
  };
  census count() noexcept {
    lock_.lock();
    const census c{sleepers(word_.load(std::memory_order_relaxed)), departures_};
    lock_.unlock();
    return c;
  }

  // How many sleep; a hint.
  std::uint32_t sleeping() const noexcept { return sleepers(word_.load(std::memory_order_seq_cst)); }

 private:
  static constexpr std::uint32_t one_searcher = 1, one_sleeper = 1 << 16;
  static constexpr std::uint32_t searchers(std::uint32_t w) noexcept { return w & 0xffff; }
  static constexpr std::uint32_t sleepers(std::uint32_t w) noexcept { return w >> 16; }

  // REQUIRES: asleep. `searchers`: one_searcher if it was called, else 0.
  void wake_locked(idle_seat& s, std::uint32_t searchers) noexcept {
    if (!s.resting) list_.remove(s);
    word_.fetch_add(searchers - (s.resting ? 0 : one_sleeper), std::memory_order_seq_cst);
    s.asleep.store(false, std::memory_order_relaxed);  // who still sees true comes for the lock
    s.resting = false;
    s.searching = searchers != 0;
    ++departures_;
  }

  small_lock lock_;
  fifo<idle_seat, &idle_seat::next_idle> list_;  // guarded by lock_
  std::uint32_t departures_ = 0;                 // guarded by lock_: how often a seat was woken
  alignas(64) atomic<std::uint32_t> word_{0};    // see invariant 1
};

}  // namespace weir::internal
