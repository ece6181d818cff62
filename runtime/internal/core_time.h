// How much of its time a thread has had a core.
//
// Thread-safety: all of it.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace weir::internal {

struct core_time {
  std::chrono::nanoseconds had{};         // exact to a tick of the kernel's
  std::chrono::nanoseconds waited_for{};  // it could have run, and others did; without a wait that lasts still
  bool wanted = false;                    // it runs or could run, at this moment
};

// Of the thread `id` of this process, since it began. From `stat` and `schedstat` in /proc/self/task/ID (proc(5)). All
// zero if the kernel does not count it, or there is no such thread. Costs six system calls and no memory.
core_time core_time_of(pid_t id) noexcept;

}  // namespace weir::internal
