// watch_value: a value of a watch as somebody saw it.
//
// Thread-safety: as std::shared_ptr.
#pragma once

#include <cstdint>
#include <utility>

#include "weir/channels/internal/shared_value.h"
#include "weir/channels/internal/watch_core.h"

namespace weir {

// Reads like a pointer to const. Empty: the watch is closed. Copying it copies no T.
template <class T>
class watch_value {
 public:
  watch_value() = default;  // empty
  explicit watch_value(internal::watch_news<T> news) noexcept
      : value_(std::move(news.value)), version_(value_ ? news.version : 0) {}

  explicit operator bool() const noexcept { return static_cast<bool>(value_); }
  // REQUIRES: not empty.
  const T& operator*() const noexcept { return value_.get(); }
  const T* operator->() const noexcept { return &value_.get(); }
  // 1 for the initial value, and one more each time it was set. 0: empty.
  std::uint64_t version() const noexcept { return version_; }

 private:
  internal::shared_value<T> value_;
  std::uint64_t version_ = 0;
};

}  // namespace weir
