#include "weir/runtime/sync/mutex.h"

#include <fmt/core.h>

#include <algorithm>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/internal/holder.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

using internal::interruptible;
using internal::parker;
using internal::wait_end;
using internal::wait_node;

static_assert(alignof(parker) >= 8, "three bits of a parker's address are flags");

// The list bit as a lock, with the word as it is to be when the lock goes.
struct mutex::list_guard {
  mutex& m;
  word_type word;
  void lock() noexcept { word = m.lock_list(); }
  void unlock() noexcept { m.unlock_list(word); }
};

mutex::word_type mutex::lock_list() noexcept {
  for (int spins = 0;; ++spins) {
    word_type seen = word_.load(std::memory_order_relaxed);
    // Acquire pairs with unlock_list() and with unlock(): it may find the mutex free, and take it.
    if (!(seen & list_bit) &&
        word_.compare_exchange_weak(seen, seen | list_bit, std::memory_order_acquire, std::memory_order_relaxed))
      return seen;
    internal::spin_pause();
    if (spins >= 100) internal::nap();
  }
}

void mutex::unlock_list(word_type w) noexcept {
  w &= ~(list_bit | queued_bit);
  if (!urgent_.empty() || !waiters_.empty()) w |= queued_bit;
  // Release pairs with the acquire of whoever takes the mutex, or the list bit, next. The last touch.
  word_.store(w, std::memory_order_release);
}

bool mutex::barge(parker& self) noexcept {
  word_type seen = word_.load(std::memory_order_relaxed);
  while (holder_of(seen) == nullptr && !(seen & list_bit))
    // Acquire pairs with unlock_list().
    if (word_.compare_exchange_weak(seen, seen | identity(self), std::memory_order_acquire, std::memory_order_relaxed))
      return true;
  return false;
}

// Short sections are over before a park would be: looks for a while, about twice as long as it took lately.
bool mutex::spin(parker& self) noexcept {
  const int guess = spin_guess_.load(std::memory_order_relaxed);
  const int most = internal::explored ? 0 : std::min(guess / 4 + 4, 20);
  for (int i = 0; i < most; ++i) {
    if (barge(self)) {
      spin_guess_.store(guess + i - guess / 8, std::memory_order_relaxed);
      return true;
    }
    internal::spin_pause();
  }
  spin_guess_.store(guess - guess / 4, std::memory_order_relaxed);
  return false;
}

bool mutex::lock_slow(parker& self, deadline limit, may_throw t) {
  // Only the caller itself could have put its address there.
  if (holder_of(word_.load(std::memory_order_relaxed)) == &self)
    internal::throw_misuse("mutex::lock", "who holds a mutex must not lock it again",
                           internal::describe_place("mutex", where_) + " held by " + internal::describe_holder(self),
                           "Unlock it first, or split the function into one that locks and one that expects it.",
                           where_);
  const internal::wait_for why(
      "lock", [this] { return describe(); },
      [this](std::vector<internal::wait_target>& out) { out.push_back(target()); });
  interruptible i = t == may_throw::yes ? internal::unless_unwinding() : interruptible::no;
  for (bool woken = false;;) {
    if (spin(self)) {
      if (!woken) return true;
      // Taken like any other; but it is no longer on its way, so the next one may be woken.
      list_guard list{*this, lock_list()};
      list.word &= ~waking_bit;
      list.unlock();
      return true;
    }
    list_guard list{*this, lock_list()};
    if (woken && !internal::planted(internal::bug::stale_waking)) list.word &= ~waking_bit;
    if (holder_of(list.word) == nullptr) {
      list.word |= identity(self);
      list.unlock();
      return true;
    }
    if (holder_of(list.word) == &self) {  // handed over on the way
      list.unlock();
      return true;
    }
    wait_node node;
    switch (internal::park_in(list, woken ? urgent_ : waiters_, node, why, i, limit,
                              []() -> wait_node* { return nullptr; })) {
      case wait_end::timeout:
        return false;
      case wait_end::cancelled:
        internal::meet_cancel("lock");
        i = interruptible::no;  // the caller unwinds by now: it waits on
        woken = false;
        break;
      case wait_end::woken:
        woken = true;
        // Acquire pairs with unlock_list() of the one who handed it over.
        if (holder_of(word_.load(std::memory_order_acquire)) == &self) return true;
        break;
    }
  }
}

void mutex::unlock_slow(parker& self) noexcept {
  list_guard list{*this, lock_list()};
  const parker* const holder = holder_of(list.word);
  if (holder != &self) {
    const std::string by = holder == nullptr ? "that nobody holds" : "held by " + internal::describe_holder(*holder);
    list.unlock();
    internal::abort_misuse("mutex::unlock", "only who holds a mutex may unlock it",
                           internal::describe_place("mutex", where_) + " " + by,
                           "Lock and unlock it in the same actor, by a std::unique_lock.", where_);
  }
  list.word &= flags;
  parker* to_wake = nullptr;
  if (list.word & waking_bit) {
    if (++passes_ >= most_passes) list.word = (list.word & ~waking_bit) | identity(*designated_);
  } else if (const wait_node* const loser = urgent_.claim_first()) {
    to_wake = loser->owner;
    list.word |= identity(*to_wake);
  } else if (const wait_node* const first = waiters_.claim_first()) {
    to_wake = designated_ = first->owner;
    passes_ = 0;
    list.word |= waking_bit;
  }
  list.unlock();
  if (to_wake != nullptr) to_wake->wake();
}

std::string mutex::describe() {
  // The list bit keeps the holder from unlocking, and so from ending.
  list_guard list{*this, lock_list()};
  const parker* const holder = holder_of(list.word);
  const std::string by = holder == nullptr ? "free" : "held by " + internal::describe_holder(*holder);
  list.unlock();
  return internal::describe_place("mutex", where_) + " " + by;
}

internal::wait_target mutex::target() {
  list_guard list{*this, lock_list()};  // keeps the holder, as in describe()
  const parker* const holder = holder_of(list.word);
  const std::uint64_t id = holder == nullptr ? 0 : holder->id();
  list.unlock();
  return {internal::wait_target::kind::lock, this, internal::describe_place("mutex", where_), holder, id};
}

void mutex::abort_destroyed() noexcept {
  internal::abort_misuse("~mutex", "a mutex must not end while it is held or waited for", describe(),
                         "Let it live longer than all who use it.", where_);
}

}  // namespace weir
