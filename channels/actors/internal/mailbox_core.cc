#include "weir/channels/actors/internal/mailbox_core.h"

#include <fmt/core.h>

#include <algorithm>

#include "weir/runtime/base/errors.h"

namespace weir::internal {

bool mailbox_base::add_name(std::shared_ptr<name_table> table, const std::string& name) {
  std::lock_guard guard(names_mutex_);
  if (!ended_) names_.push_back({std::move(table), name});
  return !ended_;
}

void mailbox_base::remove_name(const name_table& table, const std::string& name) noexcept {
  std::lock_guard guard(names_mutex_);
  std::erase_if(names_, [&](const registration& r) { return r.table.get() == &table && r.name == name; });
}

void mailbox_base::forget_names() noexcept {
  std::vector<registration> names;
  {
    std::lock_guard guard(names_mutex_);
    ended_ = true;
    names.swap(names_);
  }
  for (const registration& r : names) r.table->forget(r.name, *this);
}

mailbox_counts mailbox_base::counts() const noexcept {
  return {sent_.load(std::memory_order_relaxed), received_.load(std::memory_order_relaxed),
          dropped_.load(std::memory_order_relaxed), discarded_.load(std::memory_order_relaxed)};
}

std::string mailbox_base::describe() const {
  return name_.empty() ? fmt::format("mailbox {}:{}", where_.base(), where_.line)
                       : fmt::format("mailbox \"{}\"", name_);
}

long long checked_mailbox_capacity(long long capacity, std::string_view name, site where) {
  if (capacity < 1 || capacity > 1 << 24)
    throw_misuse("mailbox", fmt::format("mailbox_options.capacity must be 1..{}", 1 << 24),
                 fmt::format("{} for mailbox \"{}\"", capacity, name),
                 "Some tens are enough; say by .when_full what is to happen when it is full.", where);
  return capacity;
}

void throw_empty_address(const char* call, site where) {
  throw_misuse(call, "the address must refer to a mailbox", "one that was moved from or never set",
               "Take it from the mailbox: box.address().", where);
}

}  // namespace weir::internal
