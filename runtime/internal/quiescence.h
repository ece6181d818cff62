// Whether anything in this process can still run: the decision behind a deadlock report.
//
// Thread-safety: all of it; the caller holds the list of runtimes (process_hold).
//
// Nothing can if, at one moment,
//   - every worker of every runtime sleeps without a deadline, its loop watches nothing, and no queue holds anything;
//   - nobody waits for an event from outside the process (outside_events.h, outside_wait.h);
//   - every other thread of the process is parked in weir without a deadline or belongs to a pool and has no job
//     (idle_threads.h, which also says why no job is in a line then), or is one of weir's own that only ever answer
//     others.
// A claimed actor that is not enqueued yet, a bell about to be rung, a spawn from outside: behind each stands a thread
// that is none of these, so none of them needs to be looked for.
//
// The one moment: first all these are looked at one by one, with the number of departures of each kind: how many
// workers were called or woke, how many threads were unparked, given a job, or about to end. A departure is counted by
// the waker, before it wakes. Then the kernel is asked for the number of the process's threads, in one step. Then the
// departures are looked at again. If none has changed, all that were seen idle were idle at the kernel's step; and if
// they are as many as the kernel counts, there was nobody else. From then on nothing can happen any more, so the answer
// stays true. An actor that was queued after the queues were looked at has its queuer: it was counted as idle, then,
// and so was called, which is a departure; or it was not, and is one thread too many.
//
// What it cannot see: a thread that waits for good outside of weir (in std::thread::join, say) looks like one that may
// come back. So the answer is `alive` too often, and never `dead` too early.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::internal {

class process_hold;

enum class stillness : std::uint8_t {
  alive,     // something can run, or is about to, or waits for the outside; when that is over, somebody looks again
  doubtful,  // only threads are left that weir knows nothing of, and they may end without a word
  dead,      // nothing can run any more, and actors are left
};

stillness look_for_life(process_hold& held) noexcept;

// How many looks there have been; tests wait for some.
inline constinit std::atomic<std::uint64_t> looks_for_life{0};

}  // namespace weir::internal
