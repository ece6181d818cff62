// The watchdog: a thread that sees workers which do not switch. It has their work taken over, and names the actor that
// holds them up.
//
// Thread-safety: stir() from anywhere; the rest by the owner.
//
// While anything runs it looks about once a millisecond. A worker that has switched some times only is to look at its
// clock at its next turn: it would be late for timers, descriptors and those it has adopted if it counted its turns.
// One that has not switched since the last look and has others waiting is relieved of them: they go to inject. If it
// has descriptors, timers or a loop to look after, somebody else is asked to (adoption.h). After 100 ms a line on
// stderr says who computes or blocks there and how many wait behind it, at most one line in 10 s for a runtime. If no
// worker has switched for that long, there is nobody to run anybody: another line says so and names who holds each
// worker. Time for which the worker's thread got no core does not count: that is the machine's load, not the actor's
// doing. When all workers have slept for a while, the watchdog sleeps too, and the first worker to leave its sleep
// wakes it.
//
// Before it sleeps it looks for a deadlock (deadlock_report.h). If only threads that weir knows nothing of speak
// against one, it looks again a few times, at growing distances, and then no more: an idle process has no periodic
// wake-ups.
//
// It also gives the memory of stacks back that nobody has needed for a while, and sleeps only until then.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "weir/runtime/base/clock.h"
#include "weir/runtime/internal/core_time.h"

namespace weir::internal {

class runtime_core;
class worker;

class watchdog {
 public:
  explicit watchdog(runtime_core& runtime) noexcept : runtime_(runtime) {}
  watchdog(const watchdog&) = delete;

  void start();
  void stop() noexcept;

  // It is about to take actors out of queues, or has them in its hands.
  bool moves_actors() const noexcept { return looking_.load(std::memory_order_seq_cst); }

  // How many looks at the workers there have been; tests wait for some.
  std::uint64_t looks() const noexcept { return looks_.load(std::memory_order_relaxed); }

  // Tests may switch off that others look after a stuck worker's loop. On by default.
  void adopt(bool on) noexcept { adopts_.store(on, std::memory_order_relaxed); }

  // A worker has left its sleep. Costs a load, unless the watchdog sleeps.
  void stir() noexcept {
    // Seq_cst, after the worker's seq_cst change of the sleepers' count: pairs with sleep().
    if (state_.load(std::memory_order_seq_cst) == asleep) wake();
  }

 private:
  static constexpr std::uint32_t awake = 0, asleep = 1, stopped = 2;

  // What the last look saw of one worker.
  struct seen {
    std::uint32_t turns = 0;
    time_point begun{};  // that turn, as far as is known
    time_point since{};  // the same; later, by as much as its thread has waited for a core
    bool reported = false;
    time_point asked{};    // the kernel, first in that turn, and what it said
    bool held_up = false;  // for so long that it is a stall, and the kernel need not be asked again
    core_time said{};
  };

  void main();
  void look(time_point time);
  // A worker that has not switched for a while: whether that was up to the machine.
  void excuse(seen& s, worker& w, time_point time) noexcept;
  void tell_ready(worker& w);
  bool report_one(std::size_t index, time_point time);
  bool report_all(time_point time);
  void sleep();
  void wake() noexcept;
  // While nothing changes. Returns when this runtime is to be broken up, or somebody has woken it.
  void sleep_and_look();
  // Returns when to do so again; max if there is nothing to give back.
  time_point trim_stacks(time_point time) noexcept;

  runtime_core& runtime_;
  std::atomic<std::uint32_t> state_{awake};  // a futex; written by the watchdog, by who wakes it, and by stop()
  // Raised by the watchdog before it looks at the workers, lowered when it has put back what it took from them.
  std::atomic<bool> looking_{false};
  std::atomic<bool> adopts_{true};
  std::atomic<std::uint64_t> looks_{0};  // raised by the watchdog after each look
  // The thread's own.
  std::vector<seen> last_;
  time_point next_trim_{};
  time_point last_report_{};
  time_point last_report_of_all_{};
  bool broken_up_ = false;     // the runtime's deadlock was served
  bool all_reported_ = false;  // since all have stood still
  std::thread thread_;
};

}  // namespace weir::internal
