// The cells of a channel's buffer: room for a value each, and who may use it.
//
// Thread-safety: slot_ring.h says who may do what; this is only where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

template <class T>
struct value_cell {
  static constexpr bool has_shells = !std::is_trivially_destructible_v<T>;
  static constexpr std::uint8_t free_cell = 0, leaving = 1, wanted = 2;
  struct no_state {};

  alignas(T) std::byte bytes[sizeof(T)];
  // Written by who takes the value out, by its receiver, and by a sender that it is in the way of: slot_ring.h.
  [[no_unique_address]] std::conditional_t<has_shells, atomic<std::uint8_t>, no_state> state{};

  T& value() noexcept { return *std::launder(reinterpret_cast<T*>(bytes)); }
};

// Some cells, without a notion of which of them hold values.
template <class T>
struct cell_place {
  std::unique_ptr<value_cell<T>[]> cells;
  std::size_t count = 0;
  std::unique_ptr<cell_place> older;  // the one that it replaced, if receivers had shells in it then

  // `length` of them from `head` on, around the end.
  struct contents {
    std::size_t head = 0;
    std::size_t length = 0;
  };

  // Their values, oldest first.
  void destroy(contents c) noexcept {
    for (; c.length > 0; --c.length) {
      cells[c.head].value().~T();
      if (++c.head == count) c.head = 0;
    }
  }
  // No receiver has a shell in it any more. Acquire pairs with slot_ring::retire() and release(), after which it is not
  // touched.
  bool left() const noexcept {
    if constexpr (value_cell<T>::has_shells)
      for (std::size_t i = 0; i < count; ++i)
        if (cells[i].state.load(std::memory_order_acquire) != value_cell<T>::free_cell) return false;
    return true;
  }
};

}  // namespace weir::internal
