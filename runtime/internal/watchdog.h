// The watchdog: a thread that sees workers which do not switch. It has their work taken over, and names the actor that
// holds them up.
//
// Thread-safety: stir() from anywhere; the rest by the owner.
//
// While anything runs it looks about once a millisecond. A worker that has not switched since the last look and has
// others waiting is relieved of them: they go to inject. After 100 ms a line on stderr says who computes
// there and how many wait behind it, at most one line in 10 s for a runtime. When all workers have slept for a while,
// it sleeps too, without periodic wake-ups, and the first worker to leave its sleep wakes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace weir::internal {

class runtime_core;

class watchdog {
 public:
  explicit watchdog(runtime_core& runtime) noexcept : runtime_(runtime) {}
  watchdog(const watchdog&) = delete;

  void start();
  void stop() noexcept;

  // A worker has left its sleep. Costs a load, unless the watchdog sleeps.
  void stir() noexcept {
    // Seq_cst, after the worker's seq_cst change of the sleepers' count: pairs with sleep().
    if (state_.load(std::memory_order_seq_cst) == asleep) wake();
  }

 private:
  static constexpr std::uint32_t awake = 0, asleep = 1, stopped = 2;

  void main();
  void sleep();
  void wake() noexcept;

  runtime_core& runtime_;
  std::atomic<std::uint32_t> state_{awake};  // a futex; written by the watchdog, by who wakes it, and by stop()
  std::thread thread_;
};

}  // namespace weir::internal
