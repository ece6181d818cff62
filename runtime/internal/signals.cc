#include "weir/runtime/internal/signals.h"

#include <fmt/core.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/outside_events.h"

namespace weir::internal {

// One per process, never destroyed: a signal may come at any time. A forked child begins with a fresh one in its place.
struct signal_state {
  static constexpr std::size_t count = 65;
  static constexpr std::array<int, 2> by_default{SIGINT, SIGTERM};

  // The handler's part. Lock-free, as it may interrupt anybody.
  sem_t wanted;  // posted by the handler, waited for by the dispatching thread
  // Set by the handler, taken by the thread; the semaphore orders the two.
  std::array<std::atomic<bool>, count> arrived{};
  // The program selects on it. Written under `mutex`. The handler reads it: a stale false only counts as the first of
  // two, which the thread then gives to the program after all. on_signal reads it with acquire: it sees the source.
  std::array<std::atomic<bool>, count> selected{};
  std::atomic<int> interrupts{0};  // by default, since the first main began; raised by the handler

  std::mutex mutex;
  bool dispatching = false;             // the thread was started; guarded by mutex, as are:
  int tenants = 0;                      // runtimes
  interruptible_main* mains = nullptr;  // a list
  std::array<bool, count> installed{};  // our handler was put in the place of the default

  std::array<signal_source, count> sources{};  // each has its own lock

  signal_state() { sem_init(&wanted, 0, 0); }

  static bool is_default(int n) noexcept { return n == SIGINT || n == SIGTERM; }
  void start_dispatching_locked();
  void adjust_locked(int n) noexcept;
  void dispatch(int n) noexcept;
  void add(interruptible_main& m) noexcept;
  void remove(interruptible_main& m) noexcept;
};

namespace {

static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

signal_state* the_state = nullptr;  // written once, before a handler is there that reads it

// Async-signal-safe: atomics, sem_post, sigaction and raise are.
void on_arrival(int n) {
  const int error = errno;
  signal_state& s = *the_state;
  const auto at = static_cast<std::size_t>(n);
  if (!s.selected[at].load(std::memory_order_relaxed) && s.interrupts.fetch_add(1, std::memory_order_relaxed) > 0) {
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    sigaction(n, &usual, nullptr);
    raise(n);  // comes as soon as this handler returns
  } else {
    s.arrived[at].store(true, std::memory_order_relaxed);
    sem_post(&s.wanted);
  }
  errno = error;
}

enum class holder { nobody, ours, ignored, program };

holder holder_of(int n) noexcept {
  struct sigaction present {};
  if (sigaction(n, nullptr, &present) != 0) return holder::program;
  if (present.sa_handler == on_arrival) return holder::ours;
  if (present.sa_handler == SIG_IGN) return holder::ignored;
  return present.sa_handler == SIG_DFL ? holder::nobody : holder::program;
}

void set_handler(int n, void (*handler)(int)) noexcept {
  struct sigaction action {};
  action.sa_handler = handler;
  // Not on the stack of an actor, which may be small.
  action.sa_flags = handler == SIG_DFL ? 0 : SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(n, &action, nullptr);
}

void dispatch_for_ever(signal_state* s) {
  pthread_setname_np(pthread_self(), "weir-signal");
  for (;;) {
    while (sem_wait(&s->wanted) != 0) {
    }
    for (std::size_t n = 1; n < signal_state::count; ++n)
      if (s->arrived[n].exchange(false, std::memory_order_relaxed)) s->dispatch(static_cast<int>(n));
  }
}

alignas(signal_state) std::byte state_place[sizeof(signal_state)];

void before_fork() { the_state->mutex.lock(); }
void after_fork_in_parent() { the_state->mutex.unlock(); }
// The child has none of the threads that wait here, nor the one that dispatches.
void after_fork_in_child() {
  for (std::size_t n = 1; n < signal_state::count; ++n)
    if (the_state->installed[n] && holder_of(static_cast<int>(n)) == holder::ours)
      set_handler(static_cast<int>(n), SIG_DFL);
  ::new (static_cast<void*>(state_place)) signal_state;
}

signal_state& state() {
  static std::once_flag once;
  std::call_once(once, [] {
    the_state = ::new (static_cast<void*>(state_place)) signal_state;
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  });
  return *the_state;
}

bool can_be_selected(int n) noexcept {
  switch (n) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGQUIT:  // the table of actors
      return false;
    default:
      return n > 0 && n < static_cast<int>(signal_state::count) && signal_name(n) != nullptr;
  }
}

}  // namespace

void signal_state::start_dispatching_locked() {
  if (dispatching) return;
  std::thread(dispatch_for_ever, this).detach();
  // For deadlocks: who waits for a signal says so, and main, which a signal may cancel, waits for nothing else.
  idle_threads_of_process.add_apart();
  dispatching = true;
}

// Takes the signal over, or gives it back.
void signal_state::adjust_locked(int n) noexcept {
  const auto at = static_cast<std::size_t>(n);
  const bool wanted_now = selected[at].load(std::memory_order_relaxed) || (is_default(n) && mains != nullptr);
  if (wanted_now == installed[at]) return;
  if (wanted_now && dispatching && holder_of(n) == holder::nobody) {
    set_handler(n, on_arrival);
    installed[at] = true;
  } else if (!wanted_now) {
    if (holder_of(n) == holder::ours) set_handler(n, SIG_DFL);
    installed[at] = false;
  }
}

void signal_state::dispatch(int n) noexcept {
  const auto at = static_cast<std::size_t>(n);
  std::lock_guard guard(mutex);
  if (selected[at].load(std::memory_order_relaxed)) {
    sources[at].arrived();
  } else if (is_default(n) && mains != nullptr) {
    for (interruptible_main* m = mains; m != nullptr; m = m->next_) {
      m->signal_.store(n, std::memory_order_relaxed);  // cancel() and main's exit order it before ended_by()
      if (m->main_ != nullptr) m->main_->cancel();
    }
  } else {
    // It came while it was being given back: then it does what it does without us.
    adjust_locked(n);
    kill(getpid(), n);
  }
}

void signal_state::add(interruptible_main& m) noexcept {
  std::lock_guard guard(mutex);
  try {
    start_dispatching_locked();
  } catch (const std::system_error&) {
  }
  if (mains == nullptr) interrupts.store(0, std::memory_order_relaxed);
  m.next_ = mains;
  mains = &m;
  for (const int n : by_default) adjust_locked(n);
}

void signal_state::remove(interruptible_main& m) noexcept {
  std::lock_guard guard(mutex);
  interruptible_main** place = &mains;
  while (*place != &m) place = &(*place)->next_;
  *place = m.next_;
  for (const int n : by_default) adjust_locked(n);
}

bool signal_source::take() noexcept {
  std::lock_guard guard(lock_);
  const bool was = kept_.load(std::memory_order_relaxed);
  kept_.store(false, std::memory_order_relaxed);
  return was;
}

enrolled signal_source::enroll(wait_node& node) noexcept {
  expect_outside_event();  // until withdraw()
  std::lock_guard guard(lock_);
  if (!kept_.load(std::memory_order_relaxed)) {
    waiters_.push_back(node);
    return enrolled::waiting;
  }
  const enrolled e = enroll_ready(node);
  if (e == enrolled::done) kept_.store(false, std::memory_order_relaxed);
  return e;
}

void signal_source::withdraw(wait_node& node) noexcept {
  {
    std::lock_guard guard(lock_);
    waiters_.unlink(node);
  }
  outside_event_over();
}

void signal_source::arrived() noexcept {
  lock_.lock();
  wait_node* const first = waiters_.claim_first();
  if (first == nullptr) kept_.store(true, std::memory_order_relaxed);
  lock_.unlock();
  if (first != nullptr) first->owner->wake();
}

bool signal_source::retire() noexcept {
  std::lock_guard guard(lock_);
  if (!waiters_.empty()) return false;
  kept_.store(false, std::memory_order_relaxed);
  return true;
}

signal_source& select_signal(int number, site where) {
  signal_state& s = state();
  const auto at = static_cast<std::size_t>(number);
  if (!can_be_selected(number))
    throw_misuse("on_signal", "the signal must be one that can be waited for", fmt::format("{}", number),
                 "SIGHUP, SIGINT, SIGTERM, SIGUSR1 and their like can.", where);
  if (s.selected[at].load(std::memory_order_acquire)) return s.sources[at];
  std::lock_guard guard(s.mutex);
  if (holder_of(number) == holder::program)
    throw_misuse("on_signal", "the program must not handle a signal by itself that it selects on",
                 fmt::format("a handler of its own for {}", signal_name(number)),
                 "Remove the handler, or do without on_signal.", where);
  s.start_dispatching_locked();
  s.selected[at].store(true, std::memory_order_release);
  s.adjust_locked(number);
  return s.sources[at];
}

const char* signal_name(int number) noexcept {
  static constexpr std::array<const char*, 32> names{
      nullptr,   "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
      "SIGFPE",  "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
      nullptr,   "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
      "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};
  if (number > 0 && number < 32) return names[static_cast<std::size_t>(number)];
  return number >= SIGRTMIN && number <= SIGRTMAX ? "a real-time signal" : nullptr;
}

int signal_waiters() noexcept { return expected_outside_events.load(std::memory_order_relaxed); }

signal_tenancy::signal_tenancy() noexcept {
  signal_state& s = state();
  std::lock_guard guard(s.mutex);
  ++s.tenants;
}

signal_tenancy::~signal_tenancy() {
  signal_state& s = state();
  std::lock_guard guard(s.mutex);
  if (--s.tenants > 0) return;
  for (std::size_t n = 1; n < signal_state::count; ++n) {
    if (!s.selected[n].load(std::memory_order_relaxed) || !s.sources[n].retire()) continue;
    s.selected[n].store(false, std::memory_order_relaxed);
    s.adjust_locked(static_cast<int>(n));
  }
}

interruptible_main::interruptible_main() noexcept { state().add(*this); }
interruptible_main::~interruptible_main() {
  state().remove(*this);
  if (main_ != nullptr) main_->release();
}

void interruptible_main::begin(actor_core& main) noexcept {
  std::lock_guard guard(state().mutex);
  main.retain();
  main_ = &main;
  if (signal_.load(std::memory_order_relaxed) != 0) main.cancel();
}

int interruptible_main::ended_by() const noexcept {
  return main_->how() == exit_kind::cancelled ? signal_.load(std::memory_order_relaxed) : 0;
}

}  // namespace weir::internal
