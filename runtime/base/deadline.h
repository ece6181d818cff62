// weir::deadline: until when a call may wait. The last, optional argument of every call that can park.
//
// Thread-safety: a value.
#pragma once

#include <chrono>
#include <concepts>

#include "weir/runtime/base/clock.h"

namespace weir {

// Made from a duration (counted from now), a steady_clock time_point, or nothing (never). A wait is never ended early;
// with a ready peer even an expired deadline succeeds, because the try comes before the look at the clock.
class deadline {
 public:
  using time_point = internal::time_point;

  constexpr deadline() noexcept = default;                 // never
  constexpr deadline(time_point at) noexcept : at_(at) {}  // NOLINT(google-explicit-constructor)

  // From now on. A duration too long for the clock means never; a negative one has expired.
  template <class Rep, class Period>
  deadline(std::chrono::duration<Rep, Period> d)  // NOLINT(google-explicit-constructor)
      : at_(after(internal::now(), d)) {}

  static constexpr deadline never() noexcept { return {}; }

  constexpr bool is_never() const noexcept { return at_ == time_point::max(); }
  constexpr time_point at() const noexcept { return at_; }
  bool expired() const noexcept { return !is_never() && at_ <= internal::now(); }

  friend constexpr auto operator<=>(deadline, deadline) noexcept = default;

 private:
  template <class Rep, class Period>
  static constexpr time_point after(time_point from, std::chrono::duration<Rep, Period> d) {
    // Compared as long double: a count of hours may not fit into nanoseconds, nor a floating duration into an integer.
    using seconds = std::chrono::duration<long double>;
    const seconds room = time_point::max() - from;
    if (seconds(d) >= room) return time_point::max();
    if (seconds(d) <= seconds(0)) return from;
    const auto ticks = std::chrono::ceil<time_point::duration>(d);  // never early
    return from + ticks;
  }

  time_point at_ = time_point::max();
};

}  // namespace weir
