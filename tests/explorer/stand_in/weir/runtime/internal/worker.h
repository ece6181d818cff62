// In the place of the real one when the explorer compiles the scheduler: a worker's bell, and its life.
#pragma once

#include <functional>

#include "tests/explorer/atomic.h"
#include "tests/explorer/explorer.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/scheduler.h"

namespace weir::internal {

class worker {
 public:
  explicit worker(scheduler& s) : scheduler_(s) {
    seat_.self = this;
    s.add(seat_);
  }

  // What write() to the doorbell does: an edge that ends the sleep under way, or else the next one.
  void ring() noexcept { rung_.store(true); }

  enum class idles : bool { asleep, resting };

  // What worker::main, idle and sleep, or idle and rest, do, without timers and loop. A rest is as long as it likes.
  void main(const std::function<void(actor_core&)>& run, idles how = idles::asleep) {
    for (;;) {
      actor_core* a = scheduler_.pop(seat_);
      if (a == nullptr) {
        if (scheduler_.stopping()) return;
        a = scheduler_.search(seat_, {});  // one look
      }
      if (a != nullptr) {
        run(*a);
        continue;
      }
      if (seat_.mail.load(std::memory_order_relaxed)) continue;
      if (how == idles::resting ? scheduler_.begin_rest(seat_) : scheduler_.begin_sleep(seat_)) {
        explorer::at("asleep");
        explorer::block_until([this] { return rung_.load(); });
        rung_.store(false);
        explorer::at("awake");
      }
      scheduler_.end_sleep(seat_);
    }
  }

  scheduler::seat& seat() noexcept { return seat_; }

 private:
  scheduler& scheduler_;
  scheduler::seat seat_;
  explorer::atomic<bool> rung_{false};
};

}  // namespace weir::internal
