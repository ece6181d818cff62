// The line of those who wait for room in the buffer: who fits, who is let in, and when somebody has to look.
//
// Thread-safety: as channel_core.h, whose members these are.
#pragma once

#include <utility>

#include "weir/channels/internal/channel_core.h"

namespace weir::internal {

// Whether there is room for whoever is first in line.
template <class T>
bool channel_core<T>::fits_locked(const offer& o) noexcept {
  if (weights_ == nullptr) return ring_.room();
  weights_->forget_all_but(ring_.length());
  return ring_.length() < capacity_ && weights_->fits(o.weight) && ring_.vacant();
}

// REQUIRES: fits_locked().
template <class T>
void channel_core<T>::push_locked(const offer& o) noexcept {
  ring_.push(std::move(*static_cast<T*>(o.value)));
  if (weights_) weights_->add(o.weight);
}

// What was promised, capacity_ or the buffer's size has changed.
template <class T>
void channel_core<T>::set_limit_locked() noexcept {
  const std::size_t bound = unbounded_ ? ring_.holds() : capacity_;
  ring_.set_limit(weights_ || bound < reserved_ ? 0 : bound - reserved_);
}

// Gives room to whoever waits for it longest. Claimed; null if nobody waits or it does not fit.
template <class T>
wait_node* channel_core<T>::admit_locked() noexcept {
  while (wait_list* const line = first_in_line()) {
    const offer& o = offer_of(*line->front());
    if (!fits_locked(o)) return nullptr;
    wait_node* const n = line->claim_front();
    if (n == nullptr) continue;
    if (line == &senders_) {
      push_locked(offer_of(*n));
    } else {
      ++reserved_;
      set_limit_locked();
    }
    return n;
  }
  return nullptr;
}

template <class T>
wait_chain channel_core<T>::admit_all_locked() noexcept {
  wait_chain admitted;
  while (wait_node* const n = admit_locked()) admitted.add(*n);
  return admitted;
}

// Where a value leaves that is heavy, several may fit.
template <class T>
wait_node* channel_core<T>::refill_rarely_locked() noexcept {
  wait_node* const first = admit_locked();
  if (first == nullptr) return nullptr;
  wait_node* last = first;
  if (weights_)
    while (wait_node* const n = admit_locked()) last = last->next = n;
  last->next = nullptr;
  return first;
}

// Not under the lock: somebody in the line may fit now.
template <class T>
void channel_core<T>::serve_line() noexcept {
  const lock_key key = lock_.lock();
  wait_chain admitted = admit_all_locked();
  key.unlock();
  admitted.wake();
}

// A sender found a shell in its way, which is gone now.
template <class T>
void channel_core<T>::serve_turned_away(typename slot_ring<T>::shell shell) noexcept {
  const lock_key key = lock_.lock();
  ring_.release(shell);
  wait_chain admitted = admit_all_locked();
  key.unlock();
  admitted.wake();
}

}  // namespace weir::internal
