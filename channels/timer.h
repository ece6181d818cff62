// Timers and tickers: points in time that select can wait for.
//
// Thread-safety: none; one actor or thread uses a timer or ticker at a time.
#pragma once

#include <chrono>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"

namespace weir {

// Is ready once, when its time has come; then never, until reset(). Made once and used by many selects, it bounds them
// all.
class timer {
 public:
  explicit timer(deadline at) noexcept : at_(at) {}

  // Sets it anew, fired or not. deadline::never() switches it off.
  void reset(deadline at) noexcept { at_ = at; }
  // When it fires; never if it has fired or is off.
  deadline at() const noexcept { return at_; }

 private:
  deadline at_;
};

// Is ready at each multiple of the period since it was made. Ticks that nobody took in time fall together into one, and
// the beat is kept: a late tick does not shift the next one.
class ticker {
 public:
  // REQUIRES: period > 0; otherwise misuse.
  explicit ticker(std::chrono::nanoseconds period, site where = site::current()) : period_(period) {
    if (period <= std::chrono::nanoseconds::zero())
      internal::throw_misuse("ticker", "the period must be more than zero", std::to_string(period.count()) + " ns",
                             "Say how long from tick to tick: weir::ticker(1s).", where);
    next_ = internal::now() + period_;
  }

  std::chrono::nanoseconds period() const noexcept { return period_; }
  deadline at() const noexcept { return next_; }
  // The tick was taken: goes on to the first one that lies ahead. For select.
  void advance() noexcept {
    const auto late = internal::now() - next_;
    next_ += period_ * (1 + late / period_);
  }

 private:
  std::chrono::nanoseconds period_;
  internal::time_point next_;
};

}  // namespace weir
