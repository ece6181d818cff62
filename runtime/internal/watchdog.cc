#include "weir/runtime/internal/watchdog.h"

#include <fmt/core.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <string>

#include "weir/runtime/internal/deadlock_report.h"
#include "weir/runtime/internal/futex.h"
#include "weir/runtime/internal/quiescence.h"
#include "weir/runtime/internal/readiness_set.h"
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
constexpr std::size_t most_named = 8;
constexpr int idle_looks = 20;  // all asleep so often in a row: sleep too
// Between looks for a deadlock that only unknown threads speak against: four more in two seconds.
constexpr std::chrono::milliseconds first_pause = 20ms;
constexpr auto last_pause = 1280ms;
constexpr int pause_growth = 4;

}  // namespace

void watchdog::start() {
  last_.resize(static_cast<std::size_t>(runtime_.worker_count()));
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
  sleep_and_look();
}

void watchdog::sleep_and_look() {
  auto pause = first_pause;
  time_point next_look{};
  next_trim_ = {};  // nothing may be left to trim: then no wake-up for it
  while (state_.load(std::memory_order_seq_cst) == asleep) {
    const time_point time = now();
    // Any worker that has gone on since state_ says `asleep` wakes us, so what is seen here need not be seen again.
    if (time >= next_look) {
      next_look = time_point::max();
      if (report_deadlock() == stillness::doubtful && pause <= last_pause) {
        next_look = time + pause;
        pause *= pause_growth;
      }
    }
    if (runtime_.deadlock() != nullptr && !broken_up_) {
      broken_up_ = true;
      wake();
      runtime_.break_up();
      return;
    }
    futex_wait(&state_, asleep, std::min(next_look, trim_stacks(time)));
  }
}

time_point watchdog::trim_stacks(time_point time) noexcept {
  if (time >= next_trim_) next_trim_ = runtime_.stacks().trim(time);
  return next_trim_;
}

void watchdog::main() {
  pthread_setname_np(pthread_self(), "weir-watchdog");
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
    // While actors run there may soon be something to trim.
    next_trim_ = std::min(trim_stacks(now()), now() + stack_pool::trim_period);
    looking_.store(true, std::memory_order_seq_cst);
    try {
      look(now());
    } catch (const std::bad_alloc&) {
      // No memory for the report's text: it is tried again.
    }
    looking_.store(false, std::memory_order_seq_cst);
    looks_.store(looks() + 1, std::memory_order_relaxed);
  }
}

void watchdog::look(time_point time) {
  std::size_t stuck = 0;
  bool wish = false;
  for (std::size_t i = 0; i < last_.size(); ++i) {
    worker& w = runtime_.worker_at(static_cast<int>(i));
    const std::uint32_t turns = w.seat().turns.load(std::memory_order_relaxed);
    seen& s = last_[i];
    // Its actors compute rather than talk: others had better help, and its turns tell it nothing of the time.
    if (turns - s.turns < few_turns && w.running() != nullptr) {
      runtime_.scheduler().call_for_help(w.seat());
      w.look_at_clock();
    }
    if (turns != s.turns || s.since == time_point{}) {
      s = {turns, time, time};
      continue;
    }
    runtime_.scheduler().unload(w.seat());
    wish |= adopts_.load(std::memory_order_relaxed) && last_.size() > 1 && w.wish_adoption(turns);
    if (w.running() != nullptr && !s.held_up) excuse(s, w, time);
    // One that runs nobody sleeps.
    if (time - s.since >= stall && w.running() != nullptr) ++stuck;
  }
  if (wish) runtime_.scheduler().wish_adoption();
  const bool all = stuck == last_.size();
  if (!all) all_reported_ = false;
  if (stuck == 0) return;
  if (all && stuck > 1) {
    if (!all_reported_ && time - last_report_of_all_ >= between_reports && report_all(time)) {
      all_reported_ = true;
      last_report_of_all_ = last_report_ = time;
      for (seen& s : last_) s.reported = true;
    }
    return;
  }
  for (std::size_t i = 0; i < last_.size(); ++i) {
    seen& s = last_[i];
    if (s.reported || time - s.since < stall || time - last_report_ < between_reports) continue;
    if (!report_one(i, time)) continue;
    s.reported = true;
    last_report_ = time;
  }
}

// Asks twice, or each time that it has to move `since`: always from the first time on, as a wait that one answer has
// told of as lasting still would be in the next one again, as a whole. The time before, of which nothing is known,
// counts as a quarter: if it was more, the watchdog got no core either.
void watchdog::excuse(seen& s, worker& w, time_point time) noexcept {
  const bool first = s.asked == time_point{} && time - s.since >= stall / 4;
  const bool due = s.asked != time_point{} && time - s.since >= stall;
  if (!first && !due) return;
  const core_time said = core_time_of(w.thread_id());
  if (first) {
    s.begun = s.since = time - stall / 4;
    s.asked = time;
    s.said = said;
    return;
  }
  auto waited = said.waited_for - s.said.waited_for;
  // A thread that is not blocked now has waited for all the time that nothing else explains.
  if (said.wanted) waited = std::max(waited, (time - s.asked) - (said.had - s.said.had));
  s.since = std::min(time, s.begun + std::chrono::duration_cast<time_point::duration>(waited));
  s.held_up = time - s.since >= stall;
}

// Whoever waits for what the descriptors of `w` have to say is made runnable, and so counts among those who wait. Its
// loop's callbacks are left to workers.
void watchdog::tell_ready(worker& w) {
  readiness_set& set = *w.readiness();
  if (!set.watches() || !adopts_.load(std::memory_order_relaxed)) return;
  std::array<epoll_event, 64> heard;
  const int count = set.wait(heard.data(), static_cast<int>(heard.size()), time_point::min());
  for (int i = 0; i < count; ++i)
    if (heard[static_cast<std::size_t>(i)].data.u64 >= owners_tokens)
      readiness_set::serve(heard[static_cast<std::size_t>(i)]);
  // What else was heard may have been a bell, for a sleep that has begun meanwhile.
  runtime_.scheduler().call(w.seat());
}

// False: it does no harm, as nobody waits behind it.
bool watchdog::report_one(std::size_t index, time_point time) {
  worker& w = runtime_.worker_at(static_cast<int>(index));
  tell_ready(w);
  std::size_t behind = w.waiting_behind();
  behind += runtime_.scheduler().waiting_for_anybody();
  if (behind == 0 && w.timers().next() > time) return false;
  const std::string who = runtime_.describe(w.running());
  if (who.empty()) return false;  // it has ended meanwhile
  fmt::print(stderr,
             "weir: STALL worker {}: {} has not yielded for {} (limit {}); {} actors wait behind it. Wrap calls that "
             "wait in weir::blocking, or call this_actor::maybe_yield() in the loop. (next report in 10 s at the "
             "earliest)\n",
             index, who, short_duration(time - last_[index].since), short_duration(stall), behind);
  return true;
}

bool watchdog::report_all(time_point time) {
  for (std::size_t i = 0; i < last_.size(); ++i) tell_ready(runtime_.worker_at(static_cast<int>(i)));
  std::size_t waiting = runtime_.scheduler().waiting_for_anybody();
  bool timer_due = false;
  time_point since{};
  std::string who;
  for (std::size_t i = 0; i < last_.size(); ++i) {
    worker& w = runtime_.worker_at(static_cast<int>(i));
    waiting += w.waiting_behind();
    timer_due |= w.timers().next() <= time;
    since = std::max(since, last_[i].since);
    if (i < most_named)
      who += fmt::format("{}{} holds worker {}", i == 0 ? "" : ", ", runtime_.describe(w.running()), i);
  }
  if (waiting == 0 && !timer_due) return false;
  if (last_.size() > most_named) who += fmt::format(", and so on for {} more", last_.size() - most_named);
  fmt::print(stderr,
             "weir: STALL all {} workers: none has switched for {} (limit {}), so nobody is left to run the {} actors "
             "that wait. {}. Wrap calls that wait in weir::blocking, or call this_actor::maybe_yield() in loops. (next "
             "report in 10 s at the earliest)\n",
             last_.size(), short_duration(time - since), short_duration(stall), waiting, who);
  return true;
}

}  // namespace weir::internal
