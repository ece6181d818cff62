#include "weir/runtime/internal/quiescence.h"

#include <sys/stat.h>

#include <new>
#include <vector>

#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/outside_events.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/sanitizer.h"

namespace weir::internal {
namespace {

// How many threads the process has; 0 if the kernel does not say. A folder has two links and one more for each folder
// in it, here one for each thread: one system call that gives the kernel's own count.
long threads_of_process() noexcept {
  struct stat s {};
  if (stat("/proc/self/task", &s) != 0 || s.st_nlink < 3) return 0;
  return static_cast<long>(s.st_nlink) - 2;
}

bool is_idle(runtime_core& r, const idle_workers::census& seen) noexcept {
  const auto count = static_cast<std::uint32_t>(r.worker_count());
  // In this order: the queues, and what a worker says of its sleep, count only of workers that were asleep before.
  if (seen.sleepers != count || r.watchdog().moves_actors() || r.scheduler().anything_queued()) return false;
  std::ptrdiff_t outside = 0;
  for (int i = 0; i < r.worker_count(); ++i) {
    worker& w = r.worker_at(i);
    if (!w.sleeps_for_good()) return false;
    outside += w.outside();
  }
  return outside == 0;
}

}  // namespace

stillness look_for_life(process_hold& held) noexcept {
  looks_for_life.fetch_add(1, std::memory_order_relaxed);
  const std::vector<runtime_core*>& runtimes = held.runtimes();
  std::vector<idle_workers::census> before;
  try {
    before.reserve(runtimes.size());
  } catch (const std::bad_alloc&) {
    return stillness::alive;
  }
  in_doubt.store(true, std::memory_order_seq_cst);
  const auto threads = idle_threads_of_process.count();
  long own = threads.parked + idle_threads_of_process.apart() + held.helper_threads() + sanitizer_threads;
  bool actors = false;
  for (runtime_core* r : runtimes) {
    before.push_back(r->scheduler().census());
    if (!is_idle(*r, before.back())) {
      in_doubt.store(false, std::memory_order_seq_cst);  // its watchdog looks again when it has come to rest
      return stillness::alive;
    }
    own += r->worker_count() + 1;
    actors |= r->alive() != 0 && r->deadlock() == nullptr;
  }
  if (!actors) {
    in_doubt.store(false, std::memory_order_seq_cst);
    return stillness::alive;
  }
  // In doubt: no worker need stir when such a wait ends, so who ends it asks for another look.
  if (expected_outside_events.load(std::memory_order_seq_cst) != 0) return stillness::alive;
  if (threads_of_process() != own) return stillness::doubtful;

  for (std::size_t i = 0; i < runtimes.size(); ++i)
    if (runtimes[i]->scheduler().census() != before[i]) return stillness::doubtful;
  if (idle_threads_of_process.count().departures != threads.departures ||
      expected_outside_events.load(std::memory_order_seq_cst) != 0)
    return stillness::doubtful;
  return stillness::dead;
}

}  // namespace weir::internal
