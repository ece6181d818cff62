#include "weir/runtime/internal/plant.h"

#ifdef WEIR_PLANTS
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace weir::internal {
namespace {

constexpr std::array names{"claim_after_move",
                           "parked_before_out",
                           "unlocked_before_parked",
                           "bias_not_read_again",
                           "owners_share_a_flag",
                           "owner_not_awaited",
                           "skip_second_look",
                           "ring_early_tail",
                           "ring_late_read",
                           "deque_early_look",
                           "deque_last_unclaimed",
                           "shutdown_late_raise",
                           "shutdown_no_wait",
                           "mail_skip_recheck",
                           "inject_skip_recheck",
                           "stale_waking",
                           "inject_late_pop",
                           "readiness_without_ticket",
                           "late_event_taken",
                           "close_marked_late",
                           "adoption_skip_bell",
                           "adoption_skip_look",
                           "lost_wake"};
static_assert(names.size() == static_cast<std::size_t>(bug::lost_wake) + 1, "a name for each bug, in their order");

std::array<std::atomic<bool>, names.size()>& flags() {
  static std::array<std::atomic<bool>, names.size()> all{};
  static const bool from_environment = [] {
    const char* wanted = std::getenv("WEIR_PLANT");
    for (std::size_t i = 0; wanted && i < names.size(); ++i)
      if (std::strcmp(wanted, names[i]) == 0) all[i] = true;
    return true;
  }();
  (void)from_environment;
  return all;
}

}  // namespace

bool planted(bug b) noexcept { return flags()[static_cast<std::size_t>(b)].load(std::memory_order_relaxed); }
void plant(bug b, bool on) noexcept { flags()[static_cast<std::size_t>(b)].store(on, std::memory_order_relaxed); }

}  // namespace weir::internal
#endif
