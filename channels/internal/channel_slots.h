// Slots: what a channel does when there is none for a value, how they are promised before there is a value, and how
// their number changes.
//
// Thread-safety: as channel_core.h, whose members these are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_line.h"

namespace weir::internal {

template <class T>
send_status channel_core<T>::send_slowly(lock_key key, T& value, deadline limit, site where) {
  offer o{&value};
  if (rare()) {
    aftermath after;
    if (send_rarely(key, o, after) == step::done) {
      key.unlock();
      return end_send(after);
    }
  }
  if (limit.expired()) {
    key.unlock();
    spend_operation();
    return send_status::timeout;
  }
  switch (wait_for_room(key, senders_, o, {"send", where}, limit)) {
    case wait_end::handed:
      return send_status::ok;
    case wait_end::timeout:
      return send_status::timeout;
    case wait_end::closed:
      closed_or_cancelled("send");
      return send_status::closed;
    case wait_end::cancelled:
      break;
  }
  meet_cancel("send");
  return send_status::closed;
}

template <class T>
auto channel_core<T>::wait_for_room(lock_key key, wait_list& list, offer& o, const waiting_call& call, deadline limit)
    -> wait_end {
  o.ticket = ++tickets_;
  const wait_end end = wait_locked(key, list, &o, call, limit);
  // Whoever stood behind a heavy one may fit.
  if (weights_ && (end == wait_end::timeout || end == wait_end::cancelled)) serve_line();
  return end;
}

template <class T>
auto channel_core<T>::send_rarely(lock_key& key, offer& o, aftermath& after) -> step {
  T& value = *static_cast<T*>(o.value);
  if (unbounded_) {
    do {
      const std::size_t more = 2 * ring_.holds();
      key.unlock();
      grow(more);
      key = lock_.lock();
    } while (send_locked(value, after) == step::would_wait);
    return step::done;
  }
  key.unlock();
  o.weight = weigh_(value);
  key = lock_.lock();
  if (send_locked(value, after) == step::done) return step::done;
  if (!senders_.empty() || !fits_locked(o)) return step::would_wait;
  push_locked(o);
  return step::done;
}

template <class T>
void channel_core<T>::grow(std::size_t values) {
  // All that is allocated is so outside the lock, and what is not needed is destroyed there.
  auto larger = std::make_unique<typename slot_ring<T>::place>(slot_ring<T>::place_for(values));
  std::vector<std::size_t> weights(weights_ ? values : 0);
  typename slot_ring<T>::contents shells;
  lock_key key = lock_.lock();
  // Not once it is closed: the last receiver destroys the values where they are, outside the lock.
  if (is_closed() || ring_.holds() >= values) {
    key.unlock();
    return;
  }
  shells = ring_.move_into(*larger);
  if (weights_) {
    weights_->forget_all_but(ring_.length());
    weights_->move_into(weights);
  }
  set_limit_locked();
  wait_chain admitted = admit_all_locked();
  key.unlock();
  admitted.wake();
  larger->destroy(shells);
  if (larger->left()) return;
  key = lock_.lock();
  ring_.keep(std::move(larger));
  key.unlock();
}

template <class T>
send_status channel_core<T>::reserve_locked(lock_key& key) {
  while (!is_closed()) {
    if (ring_.room()) {
      ++reserved_;
      set_limit_locked();
      return send_status::ok;
    }
    if (!unbounded_) return send_status::full;
    const std::size_t more = 2 * ring_.holds();
    key.unlock();
    grow(more);
    key = lock_.lock();
  }
  return send_status::closed;
}

template <class T>
send_status channel_core<T>::try_reserve() {
  lock_key key = lock_.lock();
  const bool turn_is_over = spend_locked();
  const send_status s = reserve_locked(key);
  key.unlock();
  if (turn_is_over) give_way();
  return s;
}

template <class T>
send_status channel_core<T>::reserve(deadline limit, site where) {
  lock_key key = lock_.lock();
  const bool turn_is_over = spend_locked();
  const send_status s = reserve_locked(key);
  if (s != send_status::full || limit.expired()) {
    key.unlock();
    if (turn_is_over) give_way();
    if (s == send_status::closed) closed_or_cancelled("reserve");
    return s == send_status::full ? send_status::timeout : s;
  }
  offer o;
  switch (wait_for_room(key, reservers_, o, {"reserve", where}, limit)) {
    case wait_end::handed:
      return send_status::ok;
    case wait_end::timeout:
      return send_status::timeout;
    case wait_end::closed:
      closed_or_cancelled("reserve");
      return send_status::closed;
    case wait_end::cancelled:
      break;
  }
  meet_cancel("reserve");
  return send_status::closed;
}

template <class T>
bool channel_core<T>::send_promised(T& value) {
  for (;;) {
    lock_key key = lock_.lock();
    if (is_closed()) {
      --reserved_;
      key.unlock();
      closed_or_cancelled("permit::send");
      return false;
    }
    if (wait_node* const receiver = receivers_.claim_first()) {
      target(*receiver).emplace(std::move(value));
      ++handed_;
      --reserved_;
      set_limit_locked();
      wait_chain woken = admit_all_locked();
      woken.add(*receiver);
      key.unlock();
      woken.wake();
      return true;
    }
    if (ring_.vacant()) {
      ring_.push(std::move(value));
      --reserved_;
      set_limit_locked();
      key.unlock();
      return true;
    }
    // A destructor still runs in the next cell. A promise is not made to wait for it.
    const std::size_t more = 2 * ring_.holds();
    key.unlock();
    try {
      grow(more);
    } catch (...) {
      give_back_promise();
      throw;
    }
  }
}

template <class T>
void channel_core<T>::give_back_promise() noexcept {
  const lock_key key = lock_.lock();
  --reserved_;
  set_limit_locked();
  wait_chain admitted = admit_all_locked();
  key.unlock();
  admitted.wake();
}

template <class T>
void channel_core<T>::resize(std::size_t capacity) {
  lock_key key = lock_.lock();
  const std::size_t holds = ring_.holds();
  key.unlock();
  if (capacity > holds) grow(std::max(capacity, 2 * holds));
  key = lock_.lock();
  if (is_closed()) {
    key.unlock();
    return;
  }
  capacity_ = capacity;
  set_limit_locked();
  wait_chain admitted = admit_all_locked();
  key.unlock();
  admitted.wake();
}

}  // namespace weir::internal
