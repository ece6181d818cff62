#include "weir/runtime/internal/local_values.h"

#include <atomic>
#include <vector>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/atomic.h"

namespace weir::internal {

struct local_values::table {
  // Up relaxed: who copies holds one. Down acquire-release: the last one sees what the others did with the values.
  atomic<std::size_t> users{1};
  std::vector<std::pair<key, value>> entries;  // immutable; a program has a handful
};

void local_values::retain() const noexcept { table_->users.fetch_add(1, std::memory_order_relaxed); }

void local_values::release() noexcept {
  if (table_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) delete table_;
}

const void* local_values::find(key k) const noexcept {
  if (table_ == nullptr) return nullptr;
  for (const auto& [other, v] : table_->entries)
    if (other == k) return v.get();
  return nullptr;
}

local_values local_values::with(key k, value v) const {
  local_values made;
  made.table_ = new table;
  auto& entries = made.table_->entries;
  if (table_) {
    entries.reserve(table_->entries.size() + 1);
    for (const auto& entry : table_->entries)
      if (entry.first != k) entries.push_back(entry);
  }
  entries.emplace_back(k, std::move(v));
  return made;
}

__attribute__((noinline)) local_values& current_locals() noexcept {
  asm volatile("" ::: "memory");  // see current_worker_or_null()
  if (actor_core* const a = current_actor()) return a->locals();
  thread_local local_values mine;
  return mine;
}

local_values::key next_local_key() noexcept {
  static std::atomic<local_values::key> last{0};  // relaxed: only distinct
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace weir::internal
