// Simulated parkers: what the wait protocol needs from an actor and its worker, as threads of the explorer.
//
// The code under test is the library's own, compiled again with the explorer's atomics (tests/explorer/BUILD.bazel).
// This file takes the place of the switch: stop() says when the actor is off its stack, and whoever resumes it checks
// that it is.
#pragma once

#include <functional>
#include <string>

#include "tests/explorer/atomic.h"
#include "tests/explorer/explorer.h"
#include "weir/runtime/internal/parker.h"
#include "weir/runtime/internal/small_lock.h"

namespace simulated {

class actor final : public weir::internal::parker {
 public:
  actor() : parker(&actor::resume) {}

  // What the timer of this actor's worker does: claims and wakes, some time after a deadline was armed. One call; it
  // also ends if the actor does without having armed one.
  void timer_fires();

  std::uint32_t worker_token = 0;  // of the worker that runs it
  bool cancel_met = false;         // meet_cancel() was called; the operation then acts as if its peer were gone

 private:
  friend std::function<void()> as(actor& self, std::function<void()> body);
  static void resume(parker* self) noexcept;
  void stop(const weir::internal::wait_reason& why, weir::deadline limit) override;
  void stop_holding(const weir::internal::wait_reason& why, weir::internal::lock_key held,
                    weir::internal::interruptible i) override;
  void wait_until_resumed();

  explorer::atomic<bool> runnable_{false};
  explorer::plain<bool> on_stack_{true, "the actor's stack"};
  weir::internal::small_lock timer_lock_;
  enum class timer : int { off, armed, over };
  explorer::atomic<timer> timer_{timer::off};  // written under timer_lock_ but for `over`
  weir::internal::wait_word::epoch_type epoch_ = 0;
};

// Runs `body` as the actor `self`: current_parker() is `self` inside.
std::function<void()> as(actor& self, std::function<void()> body);

// For the shuffle in select: each run draws the same numbers from `seed`. Call it in the set-up.
void seed_shuffle(unsigned seed);

// Plants a bug for the length of a scope.
class planted {
 public:
  explicit planted(weir::internal::bug b) : bug_(b) { weir::internal::plant(b, true); }
  ~planted() { weir::internal::plant(bug_, false); }

 private:
  weir::internal::bug bug_;
};

// A value that can be lost or doubled, and whose hand-over must be ordered: full until it is moved from.
class token {
 public:
  token() = default;
  explicit token(int v) : value_(v, "the value") {}
  token(token&& other) noexcept : value_(other.value_.take(), "the value") { other.value_.set(0); }
  ~token() {}  // not trivial, so that channels have shells to retire
  int get() const { return value_.get(); }

 private:
  explorer::plain<int> value_{0, "the value"};
};

}  // namespace simulated
