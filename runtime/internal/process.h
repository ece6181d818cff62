// What is one per process: the list of live runtimes, the report on SIGQUIT, the terminate handler, the overflow
// report.
//
// None of it is needed to run actors; it exists so that reports can find them, and so that a forked child knows that it
// is one (forked.h).
//
// Thread-safety: all of it.
#pragma once

#include <vector>

namespace weir::internal {

class runtime_core;

// From now on the process marks of forked.h tell a child. Throws std::system_error.
void process_count_forks();
// The first runtime of the process also sets up the handlers, SIGQUIT's only if nobody else has.
void process_add(runtime_core& r);
void process_remove(runtime_core& r) noexcept;

// Keeps runtimes from being added or removed, and dumps from looking at actors.
class process_hold {
 public:
  process_hold();
  process_hold(const process_hold&) = delete;
  ~process_hold();
  const std::vector<runtime_core*>& runtimes() const noexcept;
  // Threads of the process as a whole: the one that waits for SIGQUIT.
  int helper_threads() const noexcept;
};

// Writes the actors of every live runtime to `fd`.
void process_report(int fd);

}  // namespace weir::internal
