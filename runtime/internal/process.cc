#include "weir/runtime/internal/process.h"

#include <fmt/core.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/outside_events.h"
#include "weir/runtime/internal/overflow.h"
#include "weir/runtime/internal/report.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {
namespace {

// Never destroyed: a signal or a detached thread may come at any time.
struct process_state {
  std::mutex mutex;
  std::vector<runtime_core*> runtimes;  // guarded by mutex, as is:
  bool reporter = false;                // starting its thread was tried in this process
  bool reporter_runs = false;           // and it runs
  sem_t wanted;                         // posted by the signal handler, waited for by the reporter
};

process_state& state() {
  static auto* const s = [] {
    auto* made = new process_state;
    sem_init(&made->wanted, 0, 0);
    return made;
  }();
  return *s;
}

void on_quit(int) {
  const int error = errno;
  sem_post(&state().wanted);  // made before the handler was installed
  errno = error;
}

void report_for_ever() {
  pthread_setname_np(pthread_self(), "weir-report");
  for (;;) {
    while (sem_wait(&state().wanted) != 0) {
    }
    process_report(STDERR_FILENO);
  }
}

void start_reporter_locked() {
  if (state().reporter) return;
  state().reporter = true;
  struct sigaction present {};
  if (sigaction(SIGQUIT, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) return;
  try {
    std::thread(report_for_ever).detach();
  } catch (const std::system_error&) {
    return;  // no thread to be had: SIGQUIT keeps its default
  }
  state().reporter_runs = true;
  struct sigaction action {};
  action.sa_handler = on_quit;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGQUIT, &action, nullptr);
}

// Nobody holds the list when fork() copies it.
void before_fork() { state().mutex.lock(); }
void after_fork_in_parent() { state().mutex.unlock(); }
// The child has one thread, this one; the reporter is not there, so SIGQUIT ends the child as it does without weir.
void after_fork_in_child() {
  process_state& s = state();
  ++forks;
  leave_worker_behind();
  s.runtimes.clear();
  s.reporter = s.reporter_runs = false;
  idle_threads_of_process.reset();
  expected_outside_events.store(0, std::memory_order_relaxed);  // those who waited were other threads
  sem_init(&s.wanted, 0, 0);
  struct sigaction present {};
  if (sigaction(SIGQUIT, nullptr, &present) == 0 && present.sa_handler == on_quit) signal(SIGQUIT, SIG_DFL);
  s.mutex.unlock();
}

std::terminate_handler previous_terminate = nullptr;

// Ends the process if what nobody caught is a deadlock.
void end_if_deadlock() {
  const std::exception_ptr flying = std::current_exception();
  if (!flying) return;
  try {
    std::rethrow_exception(flying);
  } catch (const deadlock& d) {
    std::fflush(stdout);
    fmt::print(stderr, "weir: {}", d.what());
    // Not exit(): destructors of static objects would meet the threads that wait.
    _exit(deadlock::exit_status);
  } catch (...) {
  }
}

[[noreturn]] void on_terminate() {
  end_if_deadlock();
  if (const actor_core* const a = current_actor()) {
    bool by_cancel = false;
    if (const std::exception_ptr flying = std::current_exception()) {
      try {
        std::rethrow_exception(flying);
      } catch (const cancelled&) {
        by_cancel = true;
      } catch (...) {
      }
    }
    fmt::print(stderr, "weir: terminate in actor \"{}\" (#{}, spawned at {}:{}).{}\n", a->name(), a->id(),
               a->where().base(), a->where().line,
               by_cancel ? " weir::cancelled met a noexcept function or a destructor. A noexcept function must not "
                           "park; a destructor that parks must do so in weir::shielded()."
                         : "");
  }
  if (previous_terminate) previous_terminate();
  std::abort();
}

}  // namespace

void process_count_forks() {
  static std::once_flag once;
  std::call_once(once, [] {
    state();
    if (const int error = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); error != 0)
      throw std::system_error(error, std::generic_category(), "pthread_atfork");
  });
}

void process_add(runtime_core& r) {
  process_count_forks();
  static std::once_flag once;
  std::call_once(once, [] {
    install_overflow_report();
    previous_terminate = std::set_terminate(on_terminate);
  });
  std::lock_guard guard(state().mutex);
  start_reporter_locked();
  state().runtimes.push_back(&r);
}

void process_remove(runtime_core& r) noexcept {
  {
    std::lock_guard guard(state().mutex);
    std::erase(state().runtimes, &r);
  }
  look_for_deadlocks_again();  // it may have been what the others waited for
}

process_hold::process_hold() { state().mutex.lock(); }
process_hold::~process_hold() { state().mutex.unlock(); }
const std::vector<runtime_core*>& process_hold::runtimes() const noexcept { return state().runtimes; }
int process_hold::helper_threads() const noexcept { return state().reporter_runs ? 1 : 0; }

void look_for_deadlocks_again() noexcept {
  const process_hold held;
  for (runtime_core* r : held.runtimes()) r->watchdog().stir();
}

void process_report(int fd) {
  std::lock_guard guard(state().mutex);
  if (state().runtimes.empty()) {
    constexpr char none[] = "weir: no runtime is live, so there are no actors\n";
    [[maybe_unused]] const auto n = write(fd, none, sizeof none - 1);
  }
  for (runtime_core* r : state().runtimes) report_actors(*r, fd);
}

}  // namespace weir::internal
