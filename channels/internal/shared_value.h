// A value that many look at: immutable, counted, in one allocation. What broadcast and watch hand out under their lock,
// where no copy constructor may run.
//
// Thread-safety: as std::shared_ptr: each object for one at a time, several objects of one value at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

template <class T>
class shared_value {
  struct cell {
    // Relaxed up: who copies a reference holds one. Acquire-release down and acquire in sole(): the last one sees what
    // the others did.
    atomic<std::uint32_t> references{1};
    alignas(T) std::byte bytes[sizeof(T)];
    T& value() noexcept { return *std::launder(reinterpret_cast<T*>(bytes)); }
  };

 public:
  // Memory for a value that is not there yet: allocated before the lock, filled under it. Throws std::bad_alloc.
  class space {
   public:
    space() : cell_(new cell) {}
    // REQUIRES: T is nothrow-move-constructible; once.
    shared_value fill(T&& value) noexcept {
      ::new (static_cast<void*>(cell_->bytes)) T(std::move(value));
      return shared_value(cell_.release());
    }

   private:
    std::unique_ptr<cell> cell_;
  };

  shared_value() = default;  // no value
  shared_value(const shared_value& other) noexcept : cell_(other.cell_) {
    if (cell_) cell_->references.fetch_add(1, std::memory_order_relaxed);
  }
  shared_value(shared_value&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  shared_value& operator=(shared_value other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  // The last one destroys the value: not under a lock.
  ~shared_value() {
    if (cell_ == nullptr || cell_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    cell_->value().~T();
    delete cell_;
  }

  explicit operator bool() const noexcept { return cell_ != nullptr; }
  // REQUIRES: it has a value.
  const T& get() const noexcept { return cell_->value(); }

  // A copy for the caller; of a value that nobody else holds any more, the value itself. Once; REQUIRES: it has a
  // value.
  T take() {
    if (cell_->references.load(std::memory_order_acquire) == 1) return T(std::move(cell_->value()));
    return T(std::as_const(cell_->value()));
  }

 private:
  explicit shared_value(cell* adopted) noexcept : cell_(adopted) {}

  cell* cell_ = nullptr;
};

}  // namespace weir::internal
