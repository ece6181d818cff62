// How a send or a receive ended, where it may end in more than one way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace weir {

enum class send_status : std::uint8_t {
  ok,       // handed over or buffered
  closed,   // nobody will ever receive; the value is still the caller's
  full,     // try_send only: it would have to wait; the value is still the caller's
  timeout,  // the deadline came first; the value is still the caller's
};

enum class recv_status : std::uint8_t {
  ok,
  closed,   // closed and drained: there will be no more
  empty,    // try_recv only: it would have to wait
  timeout,  // the deadline came first
};

// A value, or why there is none. Reads like std::optional. REQUIRES for * and ->: it holds a value.
template <class T>
class [[nodiscard]] recv_result {
 public:
  recv_result(recv_status status, std::optional<T> value) noexcept : status_(status), value_(std::move(value)) {}

  recv_status status() const noexcept { return status_; }
  explicit operator bool() const noexcept { return value_.has_value(); }
  T& operator*() & noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  const T& operator*() const& noexcept { return *value_; }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

 private:
  recv_status status_;
  std::optional<T> value_;
};

// How a batch ended, and how many values went before.
template <class Status>
struct [[nodiscard]] many_result {
  Status status;
  std::size_t count;
  // All went; of a receive: at least one.
  explicit operator bool() const noexcept { return status == Status::ok; }
};

}  // namespace weir
