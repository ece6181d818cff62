// The calls around the steps: try, and if it has to be, wait.
//
// Thread-safety: as channel_core.h, whose members these are.
#pragma once

#include <optional>
#include <utility>

#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_slots.h"

namespace weir::internal {

template <class T>
inline send_status channel_core<T>::try_send(T& value) {
  aftermath after;
  lock_key key = lock_.lock();
  step s = send_locked(value, after);
  if (s == step::would_wait && rare()) {
    offer o{&value};
    s = send_rarely(key, o, after);
  }
  key.unlock();
  settle(after);
  if (after.give_way) give_way();
  if (s == step::would_wait) return send_status::full;
  return after.closed ? send_status::closed : send_status::ok;
}

template <class T>
send_status channel_core<T>::displace(T& value, std::optional<T>& displaced) {
  for (spin_wait waiting;; waiting.turn()) {
    aftermath after;
    const lock_key key = lock_.lock();
    step s = send_locked(value, after);
    if (s == step::would_wait && ring_.length() >= capacity_ && ring_.vacant()) {
      after.shell = ring_.take(displaced);
      ring_.push(std::move(value));
      s = step::done;
    }
    key.unlock();
    settle(after);
    if (after.give_way || s == step::would_wait) give_way();  // a shell is in the way, and goes in a moment
    if (s == step::done) return after.closed ? send_status::closed : send_status::ok;
  }
}

template <class T>
inline send_status channel_core<T>::send(T& value, deadline limit, site where) {
  aftermath after;
  const lock_key key = lock_.lock();
  if (send_locked(value, after) == step::done) {
    key.unlock();
    return end_send(after);
  }
  return send_slowly(key, value, limit, where);
}

template <class T>
inline recv_status channel_core<T>::try_recv(std::optional<T>& out) {
  aftermath after;
  const lock_key key = lock_.lock();
  const step s = recv_locked(out, after);
  key.unlock();
  settle(after);
  if (after.give_way) give_way();
  if (s == step::would_wait) return recv_status::empty;
  return after.closed ? recv_status::closed : recv_status::ok;
}

template <class T>
inline recv_status channel_core<T>::recv(std::optional<T>& out, deadline limit, site where) {
  aftermath after;
  const lock_key key = lock_.lock();
  if (recv_locked(out, after) == step::done) {
    key.unlock();
    return end_recv(after);
  }
  return recv_slowly(key, out, limit, where);
}

template <class T>
recv_status channel_core<T>::recv_slowly(lock_key key, std::optional<T>& out, deadline limit, site where) {
  if (limit.expired()) {
    key.unlock();
    spend_operation();
    return recv_status::timeout;
  }
  switch (wait_locked(key, receivers_, &out, {"recv", where}, limit)) {
    case wait_end::handed:
      return recv_status::ok;
    case wait_end::timeout:
      return recv_status::timeout;
    case wait_end::closed:
      closed_or_cancelled("recv");
      return recv_status::closed;
    case wait_end::cancelled:
      break;
  }
  meet_cancel("recv");
  return recv_status::closed;
}

template <class T>
inline send_status channel_core<T>::end_send(const aftermath& after) {
  settle(after);
  if (after.give_way) give_way();
  if (!after.closed) return send_status::ok;
  closed_or_cancelled("send");
  return send_status::closed;
}

template <class T>
inline recv_status channel_core<T>::end_recv(const aftermath& after) {
  settle(after);
  if (after.give_way) give_way();
  if (!after.closed) return recv_status::ok;
  closed_or_cancelled("recv");
  return recv_status::closed;
}

}  // namespace weir::internal
