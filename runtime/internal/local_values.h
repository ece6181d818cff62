// What actor_locals hold for one actor: a table of values that is shared with its children and never changes. Who sets
// a value makes a table of its own; so a spawn costs one count, or, where nothing is set, a look at a null pointer.
//
// Thread-safety: one object is used by its actor or thread only; tables and values are shared, and read only.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace weir::internal {

class local_values {
 public:
  using key = std::uint64_t;
  using value = std::shared_ptr<const void>;

  local_values() = default;
  local_values(const local_values& other) noexcept : table_(other.table_) {
    if (table_) retain();
  }
  local_values(local_values&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {}
  local_values& operator=(local_values other) noexcept {
    std::swap(table_, other.table_);
    return *this;
  }
  // The last one to go destroys the values, which is user code: never on a worker's native stack.
  ~local_values() {
    if (table_) release();
  }

  // Null if it is not set.
  const void* find(key k) const noexcept;
  // The same values, but `v` for `k`. Runs no user code.
  local_values with(key k, value v) const;

 private:
  struct table;

  void retain() const noexcept;
  void release() noexcept;

  table* table_ = nullptr;
};

// Those of the running actor, or of the calling OS thread. Good until the next park.
local_values& current_locals() noexcept;
local_values::key next_local_key() noexcept;

}  // namespace weir::internal
