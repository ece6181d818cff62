// The interleaving explorer: runs a small concurrent program once for every order in which its atomic operations can
// happen.
//
//   explorer::options   how far to look
//   explorer::run       one run under construction: its threads, its final checks
//   explorer::result    what was found
//   explorer::explore, explorer::replay
//   explorer::check, at, block_until, pause, self, local, name, exploring: for code inside a run
//   explorer::atomic<T>, explorer::plain<T>: see atomic.h
//
// Thread-safety: everything of one exploration happens on the OS thread that called explore(); the threads of a run are
// contexts of it. Explorations on different OS threads do not know each other.
//
// Origin: stateless search with a preemption bound as in CHESS, M. Musuvathi and S. Qadeer (PLDI 2007); sleep sets,
// P. Godefroid (LNCS 1032, 1996).
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace explorer {

inline constexpr int unbounded = std::numeric_limits<int>::max();

struct options {
  // How often a run may switch away from a thread that could go on. `unbounded`: all interleavings.
  int preemptions = 3;
  // Runs after which the search gives up; result::exhausted is then false.
  std::size_t max_runs = 2'000'000;
  // Scheduling points after which a run fails as endless.
  std::size_t max_steps = 20'000;
  // False: goes on and counts all failing runs. What a failed run has allocated stays allocated.
  bool stop_at_first_failure = true;
  // Skips interleavings that differ only in the order of independent operations (sleep sets). Needs `unbounded`: under
  // a bound it could skip the one variant that the bound allows. Independent means: by the operations on atomic<T>; the
  // order of what threads do to ordinary shared objects (a log, say) is then not explored.
  bool reduce = false;
  // Fails a run that destroys an atomic or plain object while another thread's use of it is not ordered before. Must be
  // off for objects whose lifetime hangs on something the explorer does not see, as std::shared_ptr's count.
  bool lifetimes = true;
};

// One run under construction.
class run {
 public:
  // Adds a thread, at most 7. All threads start when the set-up has returned; what they do before their first
  // scheduling point happens in the order in which they were added.
  void thread(std::string name, std::function<void()> body) { threads_.push_back({std::move(name), std::move(body)}); }

  // Adds a check for after the end of all threads. What the set-up and the threads captured is destroyed after it.
  void after(std::function<void()> check) { afters_.push_back(std::move(check)); }

 private:
  friend class engine;
  struct named_body {
    std::string name;
    std::function<void()> body;
  };
  std::vector<named_body> threads_;
  std::vector<std::function<void()>> afters_;
};

struct result {
  std::size_t runs = 0;       // runs done
  std::size_t redundant = 0;  // of these, runs that `reduce` found to repeat an earlier one after some point
  std::size_t failures = 0;   // of these, runs that failed
  std::size_t max_depth = 0;  // most scheduling points in a run
  bool exhausted = false;     // nothing is left to explore under the bound
  bool failed = false;
  std::string message;   // of the first failing run
  std::string trace;     // its operations, one per line
  std::string schedule;  // what replay() needs to repeat it

  // All of it for a human; for a test's INFO().
  std::string text() const;
};

// Calls `set_up` for every run. It builds fresh state and adds threads; it, the threads and the checks must depend on
// nothing but the schedule. May not be nested.
result explore(const options& how, const std::function<void(run&)>& set_up);

// Repeats one run by its schedule. Fails if the schedule does not fit the program.
result replay(const std::string& schedule, const std::function<void(run&)>& set_up, const options& how = {});

// Fails the run when `condition` is false. A failed run stops at once and is abandoned: nothing of it is unwound or
// destroyed, because code under test may be noexcept and its state may be broken. Outside a run it throws
// std::logic_error.
void check(bool condition, const char* text);

// True in set-up, threads and final checks.
bool exploring() noexcept;

// The hint of a spin loop: the calling thread goes on only when another thread has changed an atomic since the last
// pause. When nobody else can run it goes on all the same, so that a bounded spin finds its end; after 256 fruitless
// turns it counts as stuck.
void pause() noexcept;

// Parks the calling thread until `condition` is true; a scheduling point even if it is true at once. The scheduler
// evaluates it at every step; it must not throw, block or have side effects. Its loads synchronize when the thread goes
// on.
void block_until(const std::function<bool()>& condition);

// Number of the calling thread in the order of run::thread(), from 0; -1 in set-up, final checks and outside a run.
int self() noexcept;

// A place for one pointer per simulated thread, null at the start of a run; outside a run one per OS thread.
void*& local() noexcept;

// Says for a deadlock report and the trace where the calling thread stands. `what` is kept as a pointer.
void at(const char* what);

// Names an atomic, or whatever atomic pointers point to, in the trace of this run.
void name(const void* object, std::string text);

}  // namespace explorer
