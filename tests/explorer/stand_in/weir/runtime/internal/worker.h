// In the place of the real one when the explorer compiles the scheduler and adoption.cc: a worker's bell, its life, and
// what others may look after.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <vector>

#include "tests/explorer/atomic.h"
#include "tests/explorer/explorer.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/scheduler.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

class worker {
 public:
  // `all`: where those that adopt each other are listed.
  explicit worker(scheduler& s, std::vector<worker*>* all = nullptr) : runtime_(s, all) {
    seat_.self = this;
    s.add(seat_);
    if (all != nullptr) all->push_back(this);
  }

  // What write() to the doorbell does: an edge that ends the sleep under way, or else the next one.
  void ring() noexcept { rung_.store(true); }

  enum class idles : bool { asleep, resting };

  // What worker::main, idle and sleep, or idle and rest, do, without timers and loop. A rest is as long as it likes.
  void main(const std::function<void(actor_core&)>& run, idles how = idles::asleep) {
    scheduler& s = runtime_.scheduler();
    for (;;) {
      actor_core* a = s.pop(seat_);
      if (a == nullptr) {
        if (s.stopping()) return;
        a = s.search(seat_, {});  // one look
      }
      if (a != nullptr) {
        run(*a);
        continue;
      }
      if (seat_.mail.load(std::memory_order_relaxed)) continue;
      if (how == idles::resting ? s.begin_rest(seat_) : s.begin_sleep(seat_)) {
        explorer::at("asleep");
        explorer::block_until([this] { return rung_.load(); });
        rung_.store(false);
        explorer::at("awake");
      }
      s.end_sleep(seat_);
    }
  }

  // For the set-up: it runs `a`, has not switched for long, and the watchdog wishes that somebody looks after it.
  void gets_stuck(actor_core& a) {
    running_.store(&a);
    if (wish_adoption(seat_.turns.load())) runtime_.scheduler().wish_adoption();
  }
  // The actor gives way after all.
  void goes_on() { running_.store(nullptr, std::memory_order_relaxed); }

  // The same as main(), with adoption, but without a search; until `over`.
  void main_that_adopts(const std::function<void(actor_core&)>& run, const explorer::atomic<bool>& over,
                        idles how = idles::asleep) {
    scheduler& s = runtime_.scheduler();
    while (!over.load()) {
      actor_core* a = s.pop(seat_);
      if (a == nullptr) {
        tend();
        a = s.pop(seat_);
      }
      if (a != nullptr) {
        run(*a);
        continue;
      }
      if (seat_.mail.load(std::memory_order_relaxed)) continue;
      const bool sleeps =
          (how == idles::resting ? s.begin_rest(seat_) : s.begin_sleep(seat_)) && !adopted_has_request();
      if (sleeps) listen(over);
      s.end_sleep(seat_);
    }
  }

  scheduler::seat& seat() noexcept { return seat_; }

 private:
  // No timer, and a loop that has only requests.
  struct no_timers {
    static time_point next() noexcept { return time_point::max(); }
    static void expire(time_point) noexcept {}
  };

  void tend() {
    if (adopter_.load(std::memory_order_relaxed) != nullptr) end_adoption(*this);
    run_requests();
    if (runtime_.scheduler().adoption_wished()) adopt_stuck({});
    if (adopted_.load(std::memory_order_relaxed) != 0) look_after_adopted({});
  }
  // poll(2) on the sets that it looks after, then a look at its own. Their edges are their doorbells.
  void listen(const explorer::atomic<bool>& over) {
    std::vector<worker*> sets{this};
    for (int i = 0; i < runtime_.worker_count(); ++i) {
      worker& w = runtime_.worker_at(i);
      if (w.adopter_.load(std::memory_order_relaxed) == this) sets.push_back(&w);
    }
    explorer::at("asleep");
    explorer::block_until([&] {
      return over.load() || std::any_of(sets.begin(), sets.end(), [](worker* w) { return w->rung_.load(); });
    });
    ask({});
    explorer::at("awake");
  }
  void ask(time_point) { rung_.exchange(false); }
  void run_requests() {
    if (!seat_.mail.load(std::memory_order_relaxed)) return;
    std::lock_guard guard(loop_lock_);
    while (loop_request* const r = runtime_.scheduler().pop_request(seat_)) r->run(*r, *this);
  }
  bool watches() const noexcept { return true; }
  time_point loop_due() const noexcept { return time_point::max(); }
  actor_core* running() const noexcept { return running_.load(std::memory_order_relaxed); }

  // In adoption.cc.
  bool wish_adoption(std::uint32_t turns) noexcept;
  bool is_stuck() const noexcept;
  void adopt_stuck(time_point now);
  bool adopt(worker& w) noexcept;
  static void end_adoption(worker& w) noexcept;
  static void end_adoption_locked(worker& w) noexcept;
  void look_after_adopted(time_point now);
  void look_after(worker& w, time_point now);
  bool adopted_has_request() noexcept;
  time_point adopted_due() noexcept;

  runtime_core runtime_;
  scheduler::seat seat_;
  no_timers timers_;
  explorer::atomic<bool> rung_{false};
  explorer::atomic<actor_core*> running_{nullptr};
  explorer::atomic<std::uint64_t> stuck_{0};
  time_point told_due_ = time_point::max();
  small_lock adoption_lock_;
  explorer::atomic<worker*> adopter_{nullptr};
  explorer::atomic<int> adopted_{0};
  time_point looked_after_{};
  small_lock loop_lock_;
};

}  // namespace weir::internal
