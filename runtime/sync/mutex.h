// weir::mutex: mutual exclusion for actors and plain threads. An actor that has to wait parks, a thread blocks.
//
// Thread-safety: all of it. May be destroyed by whoever has held it last, right after its unlock(): the one who
// unlocked before touches nothing of it any more.
//
// Use it with std::lock_guard, std::unique_lock and std::scoped_lock. The holder may park, and move to another worker,
// while it holds the lock; that is what a std::mutex cannot stand.
//
// Fairness: bounded barging. Whoever finds the mutex free takes it, also past those who wait, because to hand it to an
// actor that does not run yet would leave it unused meanwhile. Waiters are woken in the order they came, one at a time.
// The woken one is passed at most 128 times on its way; then the mutex is handed to it. If it finds the mutex taken
// when it arrives, the next unlock() hands it over.
//
// Origin: the hand-over after a lost race is that of Go's sync.Mutex; the list bit that makes the last store of
// unlock() its last touch is that of nsync's and WebKit's word locks.
#pragma once

#include <cstdint>
#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

class mutex {
 public:
  // `where` names it in reports.
  constexpr mutex(site where = site::current()) noexcept : where_(where) {}  // NOLINT(google-explicit-constructor)
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
  // REQUIRES: nobody holds it or waits for it; else the process stops with a report.
  ~mutex() {
    // Relaxed: who destroys it has been ordered after the last unlock() by having held it, or by the program.
    if (word_.load(std::memory_order_relaxed) != 0) abort_destroyed();
  }

  // Takes the mutex. Parks while another holds it; unlock() wakes. A cancel ends the wait: throws weir::cancelled, and
  // the mutex is not held; but while the caller unwinds, it waits on, as what follows relies on the lock. A lock() that
  // need not wait is no cancellation point. Throws misuse if the caller holds it already. Never allocates.
  void lock() {
    budget_.spend();
    internal::parker& self = internal::current_parker();
    if (!take_free(self)) lock_slow(self, {}, may_throw::yes);
  }
  // The same, at most until `limit`: false then. A free mutex is taken even if the limit has passed.
  [[nodiscard]] bool lock(deadline limit) {
    budget_.spend();
    internal::parker& self = internal::current_parker();
    return take_free(self) || lock_slow(self, limit, may_throw::yes);
  }

  // Takes the mutex if that needs no wait. Never parks, is no cancellation point; false also for who holds it already.
  [[nodiscard]] bool try_lock() {
    budget_.spend();
    internal::parker& self = internal::current_parker();
    return take_free(self) || barge(self);
  }

  // Lets go, and wakes a waiter. Never parks. Misuse by one who does not hold it stops the process with a report: it is
  // called by destructors.
  void unlock() noexcept {
    internal::parker& self = internal::current_parker();
    word_type expected = identity(self);
    // Release pairs with the acquire of whoever takes the mutex next. The last touch, if nobody waits.
    if (!word_.compare_exchange_strong(expected, 0, std::memory_order_release, std::memory_order_relaxed))
      unlock_slow(self);
  }

 private:
  friend class condition;

  // The word:
  //   0 list     the lists, the fields below and the word itself belong to whoever set this bit
  //   1 queued   somebody stands in a list
  //   2 waking   a waiter has been woken to take the mutex, and is on its way; nobody else is woken
  //   3.. holder the address of the holder's parker; 0: free
  //
  // Invariants:
  //  1. While the list bit is set, only its owner changes the word; it ends that with one store.
  //  2. If the mutex is free and somebody waits who can be woken, `waking` is set.
  //  3. Whoever was woken takes the mutex, or finds itself its holder, or waits again in urgent_.
  using word_type = std::uintptr_t;
  static constexpr word_type list_bit = 1, queued_bit = 2, waking_bit = 4, flags = 7;
  static constexpr int most_passes = internal::explored ? 1 : 128;

  enum class may_throw : bool { no, yes };
  struct list_guard;

  static word_type identity(const internal::parker& p) noexcept { return reinterpret_cast<word_type>(&p); }
  static internal::parker* holder_of(word_type w) noexcept { return reinterpret_cast<internal::parker*>(w & ~flags); }

  // Acquire pairs with unlock().
  bool take_free(internal::parker& self) noexcept {
    word_type expected = 0;
    return word_.compare_exchange_strong(expected, identity(self), std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  bool barge(internal::parker& self) noexcept;
  bool spin(internal::parker& self) noexcept;
  bool lock_slow(internal::parker& self, deadline limit, may_throw t);
  // For a condition: neither a cancel nor a limit ends it.
  void lock_again() {
    internal::parker& self = internal::current_parker();
    if (!take_free(self)) lock_slow(self, {}, may_throw::no);
  }
  void unlock_slow(internal::parker& self) noexcept;
  word_type lock_list() noexcept;
  void unlock_list(word_type w) noexcept;
  std::string describe();
  internal::wait_target target();
  [[noreturn]] void abort_destroyed() noexcept;

  internal::atomic<word_type> word_{0};
  internal::operation_budget budget_;
  // How many probes were needed when spinning last succeeded, smoothed, times 8. Relaxed, by whoever spins: a guess.
  internal::atomic<int> spin_guess_{0};
  const site where_;
  // Guarded by the list bit.
  int passes_ = 0;                          // how often the mutex was let go since a waiter was woken
  internal::parker* designated_ = nullptr;  // the woken one, while `waking`
  internal::wait_list urgent_;              // who was woken and lost the race
  internal::wait_list waiters_;             // all others, in the order they came
};

}  // namespace weir
