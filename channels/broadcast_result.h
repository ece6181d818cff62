// How a receive from a broadcast ended: as recv_result, and a receiver may also have been too slow.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

namespace weir {

enum class broadcast_status : std::uint8_t {
  ok,
  lagged,   // values were overwritten before this receiver came to them; the next receive gives the oldest kept
  closed,   // closed and drained: there will be no more
  empty,    // try_recv only: it would have to wait
  timeout,  // the deadline came first
};

// A value, or why there is none. Reads like std::optional. REQUIRES for * and ->: it holds a value.
template <class T>
class [[nodiscard]] broadcast_result {
 public:
  broadcast_result(broadcast_status status, std::uint64_t missed, std::optional<T>&& value) noexcept
      : status_(status), missed_(missed), value_(std::move(value)) {}

  broadcast_status status() const noexcept { return status_; }
  // lagged: how many values the receiver has missed, each told once. Else 0.
  std::uint64_t missed() const noexcept { return missed_; }
  explicit operator bool() const noexcept { return value_.has_value(); }
  T& operator*() & noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  const T& operator*() const& noexcept { return *value_; }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

 private:
  broadcast_status status_;
  std::uint64_t missed_;
  std::optional<T> value_;
};

}  // namespace weir
