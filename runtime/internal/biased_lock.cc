#include "weir/runtime/internal/biased_lock.h"

#include <algorithm>

#include "weir/runtime/internal/plant.h"
#include "weir/runtime/internal/process_barrier.h"

namespace weir::internal {
namespace {

// Written when a runtime starts; relaxed: a stale value only shifts a bias in time.
std::atomic<std::uint32_t> first_bias{0};

// A bias that lasted so long has saved more than its end costs.
constexpr auto worthwhile = std::chrono::milliseconds(1);

}  // namespace

void biased_lock::bias_after(std::uint32_t operations) noexcept {
  first_bias.store(operations, std::memory_order_relaxed);
}

lock_key biased_lock::lock_slowly(std::uint32_t me) noexcept {
  for (;;) {
    // Acquire pairs with the release in revoke(): with the bias, what the owner did last is seen.
    const std::uint32_t bias = bias_.load(std::memory_order_acquire);
    if (bias == none) {
      if (!held_.try_lock()) {
        // Relaxed: a hint.
        if (follow_holder(last_.load(std::memory_order_relaxed), 1)) {
          me = worker_token();
          continue;
        }
        held_.lock();
      }
      // Acquire, as above: the bias may have been given and taken away since.
      if (bias_.load(std::memory_order_acquire) == none || planted(bug::bias_not_read_again)) {
        count(me);
        return held_.key();
      }
      held_.unlock();
    } else if (bias >> slot_bits == me && me != 0) {
      if (enter(bias)) return lock_key(inside_[bias % slots]);
    } else if (bias != revoking) {
      if (follow_holder(bias >> slot_bits, revoke_weight))
        me = worker_token();
      else
        revoke(bias);
    } else {
      spin_wait waiting;
      // Relaxed: read again above.
      while (bias_.load(std::memory_order_relaxed) == revoking) waiting.turn();
    }
  }
}

void biased_lock::revoke(std::uint32_t owner) noexcept {
  // Acquire pairs with the release in count(): what the owner did before it got the bias is seen.
  if (!bias_.compare_exchange_strong(owner, revoking, std::memory_order_acq_rel)) return;
  barrier_in_all_threads();
  spin_wait waiting;
  // Acquire pairs with the release by which the owner left the section.
  while (!planted(bug::owner_not_awaited) && inside_[owner % slots].load(std::memory_order_acquire)) waiting.turn();
  // Runs of the explorer must not depend on the clock.
  if (explored || now() - biased_since_ < worthwhile)
    doublings_ = std::min(doublings_ + 1, most_doublings);
  else if (doublings_ > 0)
    --doublings_;
  bias_.store(none, std::memory_order_release);
}

void biased_lock::count(std::uint32_t me) noexcept {
  if (me != last_.load(std::memory_order_relaxed)) {
    last_.store(me, std::memory_order_relaxed);
    in_a_row_ = 0;
  }
  const std::uint32_t first = first_bias.load(std::memory_order_relaxed);
  if (first == 0 || me == 0 || ++in_a_row_ < first << doublings_) return;
  in_a_row_ = 0;
  const auto free_or_mine = [me](std::uint32_t owner) { return owner == 0 || owner == me; };
  const auto slot = std::find_if(slot_owners_.begin(), slot_owners_.end(), free_or_mine);
  if (slot == slot_owners_.end()) return;
  if (!planted(bug::owners_share_a_flag)) *slot = me;
  if (!explored) biased_since_ = now();
  bias_.store(me << slot_bits | static_cast<std::uint32_t>(slot - slot_owners_.begin()), std::memory_order_release);
}

}  // namespace weir::internal
