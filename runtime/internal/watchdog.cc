#include "weir/runtime/internal/watchdog.h"

#include <fmt/core.h>
#include <pthread.h>

#include <cstdio>
#include <vector>

#include "weir/runtime/internal/futex.h"
#include "weir/runtime/internal/report.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/sanitizer.h"

namespace weir::internal {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 1ms;
constexpr auto stall = 100ms * slowdown;
constexpr auto between_reports = 10s;
constexpr std::uint32_t few_turns = 50;  // between two looks: slices of 20 us and more
constexpr int idle_looks = 20;           // all asleep so often in a row: sleep too

// What the last look saw of one worker.
struct seen {
  std::uint32_t turns = 0;
  time_point since{};  // of that turn
  bool reported = false;
};

}  // namespace

void watchdog::start() {
  thread_ = std::thread([this] { main(); });
}

void watchdog::stop() noexcept {
  if (!thread_.joinable()) return;
  state_.store(stopped, std::memory_order_seq_cst);
  futex_wake_all(&state_);
  thread_.join();
}

void watchdog::wake() noexcept {
  std::uint32_t expected = asleep;
  if (state_.compare_exchange_strong(expected, awake, std::memory_order_seq_cst)) futex_wake_all(&state_);
}

void watchdog::sleep() {
  std::uint32_t expected = awake;
  if (!state_.compare_exchange_strong(expected, asleep, std::memory_order_seq_cst)) return;  // stopped
  // A worker that left its sleep before this look saw us awake: then we must not sleep.
  if (!runtime_.scheduler().all_asleep()) wake();
  while (state_.load(std::memory_order_seq_cst) == asleep) futex_wait(&state_, asleep);
}

void watchdog::main() {
  pthread_setname_np(pthread_self(), "weir-watchdog");
  std::vector<seen> last(static_cast<std::size_t>(runtime_.worker_count()));
  time_point reported{};
  int idle = 0;
  while (state_.load(std::memory_order_seq_cst) != stopped) {
    futex_wait(&state_, awake, now() + interval);
    if (runtime_.scheduler().all_asleep()) {
      if (++idle >= idle_looks) {
        sleep();
        idle = 0;
      }
      continue;
    }
    idle = 0;
    const time_point time = now();
    for (std::size_t i = 0; i < last.size(); ++i) {
      worker& w = runtime_.worker_at(static_cast<int>(i));
      const std::uint32_t turns = w.seat().turns.load(std::memory_order_relaxed);
      seen& s = last[i];
      // Its actors compute rather than talk: others had better help.
      if (turns - s.turns < few_turns) runtime_.scheduler().call_for_help(w.seat());
      if (turns != s.turns || s.since == time_point{}) {
        s = {turns, time, false};
        continue;
      }
      runtime_.scheduler().unload(w.seat());
      if (s.reported || time - s.since < stall || time - reported < between_reports) continue;
      // A worker that computes beside nobody does no harm.
      const std::size_t behind = w.waiting_behind();
      if (behind == 0 && w.timers().next() > time) continue;
      const std::string who = runtime_.describe(w.running());
      if (who.empty()) continue;  // it sleeps
      s.reported = true;
      reported = time;
      fmt::print(
          stderr,
          "weir: STALL worker {}: {} has not yielded for {} (limit {}); {} actors wait behind it. Wrap calls that "
          "wait "
          "in weir::blocking, or call this_actor::maybe_yield() in the loop. (next report in 10 s at the earliest)\n",
          i, who, short_duration(time - s.since), short_duration(stall), behind);
    }
  }
}

}  // namespace weir::internal
