// How long all waiters of one side were parked, including those that still are.
//
// Thread-safety: under the lock of the channel.
#pragma once

#include <chrono>
#include <cstddef>

#include "weir/runtime/base/clock.h"

namespace weir::internal {

class blocked_time {
 public:
  void begin(time_point at) noexcept {
    ++waiting_;
    begins_ += at.time_since_epoch();
  }
  void end(time_point begun, time_point at) noexcept {
    --waiting_;
    begins_ -= begun.time_since_epoch();
    over_ += at - begun;
  }
  // Of waits that are over and of those that go on at `at`.
  std::chrono::nanoseconds total(time_point at) const noexcept {
    return over_ + (waiting_ * at.time_since_epoch() - begins_);
  }

 private:
  std::chrono::nanoseconds over_{0};
  long long waiting_ = 0;
  // The sum of their beginnings. It wraps around after some 300 years of waiters times uptime, and so does what it is
  // taken from.
  clock_type::duration begins_{0};
};

}  // namespace weir::internal
