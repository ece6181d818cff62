#include "weir/runtime/sync/barrier.h"

#include <fmt/core.h>

#include <mutex>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/internal/holder.h"

namespace weir {

using internal::wait_end;

barrier::barrier(std::ptrdiff_t participants, site where) : sync_base(where), participants_(participants) {
  if (participants < 1)
    internal::throw_misuse("barrier", "it must have 1 participant or more", std::to_string(participants),
                           "Give the number of those who call arrive_and_wait().", where);
}

bool barrier::arrive_and_wait(deadline limit, site where) {
  budget_.spend();
  lock_.lock();
  if (arrived_ + 1 == participants_) {
    arrived_ = 0;
    ++generation_;
    internal::wait_node* const all = waiters_.claim_all();
    lock_.unlock();
    internal::wake_all(all);
    return true;
  }
  ++arrived_;
  const std::uint64_t mine = generation_;
  internal::wait_node node;
  const internal::wait_for_at why("arrive", where, [this] { return describe(); });
  bool complete = false;
  const auto leave = [&]() -> internal::wait_node* {
    // Completed between the limit, or the cancel, and this lock: then the arrival has counted.
    complete = generation_ != mine;
    if (!complete) --arrived_;
    return nullptr;
  };
  const wait_end end = internal::park_in(lock_, waiters_, node, why, internal::interruptible::yes, limit, leave);
  if (end == wait_end::woken || complete) return true;
  if (end == wait_end::cancelled) internal::meet_cancel("arrive");
  return false;
}

std::uint64_t barrier::generation() noexcept {
  std::lock_guard guard(lock_);
  return generation_;
}

std::string barrier::describe() {
  std::ptrdiff_t arrived;
  {
    std::lock_guard guard(lock_);
    arrived = arrived_;
  }
  return fmt::format("{} ({} of {} arrived)", internal::describe_place("barrier", where_), arrived, participants_);
}

}  // namespace weir
