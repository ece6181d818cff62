// Signals: who gets one that the process receives.
//
// SIGINT and SIGTERM are taken over while some runtime's run() is in progress: the first one cancels every main, the
// second one does what it does without weir. A signal that the program selects on (channels/signal.h) is a source of
// events from then on, until the last runtime has gone. A signal that the program handles by itself, or ignores, is
// left alone; what was taken over is given back.
//
// The way of a signal: the handler marks it and posts a semaphore, both of which a handler may do; a thread of the
// process, which sleeps on that semaphore, takes the marks and does the rest. It is started with the first signal that
// is taken over.
//
// Thread-safety: all of it, but for the handler's own rules, which signals.cc keeps.
#pragma once

#include <atomic>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class actor_core;

// One signal, for select. Each arrival goes to one wait, the longest; with nobody there it is kept, once, for the next.
class signal_source {
 public:
  // A hint, without the lock.
  bool may_be_ready() const noexcept { return kept_.load(std::memory_order_relaxed); }
  bool take() noexcept;
  enrolled enroll(wait_node& node) noexcept;
  void withdraw(wait_node& node) noexcept;

  // The dispatching thread.
  void arrived() noexcept;
  // Forgets what is kept. False: somebody waits, nothing was done.
  bool retire() noexcept;

 private:
  small_lock lock_;
  std::atomic<bool> kept_{false};  // written under lock_; relaxed, as readers without it take it for a hint
  wait_list waiters_;              // guarded by lock_
};

// The source of signal `number`, which belongs to the program from now on. One that the process ignores never comes.
// Throws misuse (no signal that can be waited for, or the program handles it by itself), std::system_error (no thread).
signal_source& select_signal(int number, site where);
// "SIGTERM".
const char* signal_name(int number) noexcept;
// How many waits stand registered with a signal: none of them is a deadlock.
int signal_waiters() noexcept;

// A runtime lives. With the last one, what it took over is given back.
class signal_tenancy {
 public:
  signal_tenancy() noexcept;
  signal_tenancy(const signal_tenancy&) = delete;
  ~signal_tenancy();
};

// While it lives, SIGINT and SIGTERM cancel the main that it is told of. If there is no thread to be had, they keep
// their default.
class interruptible_main {
 public:
  interruptible_main() noexcept;
  interruptible_main(const interruptible_main&) = delete;
  ~interruptible_main();

  // Once. A signal that has come by now cancels it at once.
  void begin(actor_core& main) noexcept;
  // After main has ended: the signal that ended it; 0: none did.
  int ended_by() const noexcept;

 private:
  friend struct signal_state;
  // Guarded by the list's lock; main_ is referred to, and read without it once main has ended.
  actor_core* main_ = nullptr;
  interruptible_main* next_ = nullptr;
  std::atomic<int> signal_{0};  // written before the cancel, read after main's end
};

}  // namespace weir::internal
