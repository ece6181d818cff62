// What happens in a broadcast under its lock: pushing, taking, serving those who wait, leaving.
//
// Thread-safety: as broadcast_core.h, whose members these are.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "weir/channels/internal/broadcast_core.h"

namespace weir::internal {

// REQUIRES: open, somebody is subscribed, and if blocking the next slot is empty. Answers how many will get it.
template <class T>
std::size_t broadcast_core<T>::push_locked(T& value, typename shared_value<T>::space& room,
                                           shared_value<T>& overwritten) noexcept {
  slot& s = at(end_);
  if (!s.value) ++kept_;
  overwritten = std::exchange(s.value, room.fill(std::move(value)));
  ++end_;
  return s.unseen = subscribed_;
}

// One of those who have not seen the value of `s` does now; the last one takes it away. REQUIRES: `out` is empty.
template <class T>
void broadcast_core<T>::see_locked(slot& s, shared_value<T>& out) noexcept {
  if (--s.unseen > 0) {
    out = s.value;
  } else {
    out = std::move(s.value);
    --kept_;
  }
}

template <class T>
auto broadcast_core<T>::take_locked(news& out) noexcept -> status {
  subscription& place = *out.place;
  if (place.next < oldest()) {
    out.missed = oldest() - std::exchange(place.next, oldest());
    place.missed += out.missed;
    return status::lagged;
  }
  if (place.next == end_) return closed_ ? status::closed : status::empty;
  see_locked(at(place.next++), out.value);
  return status::ok;
}

// Lets the longest-waiting senders push while there is room, and gives those who wait what there is for them, beginning
// with `to_look_at` nodes. Who waits on a handle together with others may find nothing, and goes on waiting at the end
// of the list. REQUIRES: lock_ is held; it is free afterwards.
template <class T>
void broadcast_core<T>::pass_on_and_unlock(std::size_t to_look_at) noexcept {
  for (bool more = true; more;) {
    wait_node* chain = nullptr;
    wait_node** end = &chain;
    const auto completed = [&end](wait_node* n) {
      n->next = nullptr;
      *end = n;
      end = &n->next;
    };
    while (!senders_.empty() && !at(end_).value) {
      wait_node* const n = senders_.claim_front();
      if (n == nullptr) continue;  // its wait ended otherwise
      offer& o = *static_cast<offer*>(n->slot);
      shared_value<T> none;
      o.reached = push_locked(*o.value, *o.room, none);
      completed(n);
      to_look_at = waiters_.size();
    }
    for (std::size_t looked = 0; to_look_at > 0 && looked < batch && !waiters_.empty(); ++looked, --to_look_at) {
      wait_node& first = *waiters_.front();
      news& out = *static_cast<news*>(first.slot);
      if (out.place->next == end_ && !closed_) {
        waiters_.unlink(first);
        waiters_.push_back(first);
      } else if (wait_node* const n = waiters_.claim_front()) {
        n->closed = take_locked(out) == status::closed;
        completed(n);
      }
    }
    if (waiters_.empty()) to_look_at = 0;
    more = to_look_at > 0 || (!senders_.empty() && !at(end_).value);
    lock_.unlock();
    wake_all(chain);
    if (more) lock_.lock();
  }
}

// REQUIRES: lock_ is held; it is free afterwards.
template <class T>
send_status broadcast_core<T>::wait_for_room_locked(offer o, deadline limit, std::size_t& reached, site where) {
  switch (wait_locked(senders_, &o, "send", limit, where)) {
    case wait_end::handed:
      reached = o.reached;
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

// Later values do not count for it; what it has not seen of the earlier ones counts as seen, some at a time, which may
// make room.
template <class T>
void broadcast_core<T>::unsubscribe(subscription& s) noexcept {
  wait_node* senders = nullptr;
  lock_.lock();
  const std::uint64_t stop = end_;
  if (--subscribed_ == 0) senders = close_locked(senders_);  // nobody is left to wait for
  for (bool more = true; more;) {
    {
      std::array<shared_value<T>, batch> unread;  // go after unlock
      s.next = std::max(s.next, oldest());
      for (std::size_t i = 0; i < batch && s.next < stop; ++i) see_locked(at(s.next++), unread[i]);
      more = s.next < stop;
      pass_on_and_unlock(0);
    }
    if (more) lock_.lock();
  }
  wake_all(senders);
  let_go();
}

template <class T>
void broadcast_core<T>::let_go() noexcept {
  lock_.lock();
  const bool last = --keepers_ == 0;
  lock_.unlock();
  if (last) delete this;
}

}  // namespace weir::internal
