// send_many and recv_many: batches under one hold of the lock.
//
// Thread-safety: as channel_core.h, whose members these are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "weir/channels/internal/channel_calls.h"
#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_line.h"

namespace weir::internal {

template <class T>
send_status channel_core<T>::send_many(std::span<T> values, deadline limit, std::size_t& sent, site where) {
  sent = 0;
  while (sent < values.size()) {
    if (weights_) {  // each value is weighed outside the lock
      const send_status s = send(values[sent], limit, where);
      if (s != send_status::ok) return s;
      ++sent;
      continue;
    }
    wait_chain woken;
    const lock_key key = lock_.lock();
    const std::size_t before = sent;
    const std::size_t end = before + std::min(values.size() - before, batch);
    if (is_closed()) {
      key.unlock();
      closed_or_cancelled("send_many");
      return send_status::closed;
    }
    while (sent < end) {
      wait_node* const receiver = receivers_.claim_first();
      if (receiver == nullptr) break;
      target(*receiver).emplace(std::move(values[sent++]));
      ++handed_;
      woken.add(*receiver);
    }
    for (; sent < end && ring_.room(); ++sent) ring_.push(std::move(values[sent]));
    const bool turn_is_over = spend_locked(sent - before);
    if (sent == before) {
      const send_status s = send_slowly(key, values[sent], limit, where);
      if (s != send_status::ok) return s;
      ++sent;
      continue;
    }
    key.unlock();
    woken.wake();
    if (turn_is_over) give_way();
  }
  return send_status::ok;
}

template <class T>
recv_status channel_core<T>::recv_many(std::vector<T>& out, std::size_t most, deadline limit, std::size_t& count,
                                       site where) {
  count = 0;
  for (;;) {
    const std::size_t wanted = std::min(most - count, batch);
    // Before the lock, as it may allocate.
    if (out.capacity() - out.size() < wanted) out.reserve(std::max(out.size() + wanted, 2 * out.capacity()));
    batch_aftermath after;
    const lock_key key = lock_.lock();
    const std::size_t got = take_many_locked(out, wanted, after);
    if (got == 0 && count == 0) {
      if (is_closed()) {
        key.unlock();
        if (after.give_way) give_way();
        closed_or_cancelled("recv_many");
        return recv_status::closed;
      }
      if (limit.expired()) {
        key.unlock();
        if (after.give_way) give_way();
        return recv_status::timeout;
      }
      std::optional<T> first;
      const wait_end end = wait_locked(key, receivers_, &first, {"recv", where}, limit);
      if (end == wait_end::handed) {
        out.push_back(*std::move(first));
        if (++count == most) return recv_status::ok;
        continue;
      }
      if (end == wait_end::timeout) return recv_status::timeout;
      if (end == wait_end::closed)
        closed_or_cancelled("recv_many");
      else
        meet_cancel("recv_many");
      return recv_status::closed;
    }
    key.unlock();
    settle(after);
    if (after.give_way) give_way();
    count += got;
    if (got < wanted || count == most) return recv_status::ok;
  }
}

template <class T>
std::size_t channel_core<T>::take_many_locked(std::vector<T>& out, std::size_t most, batch_aftermath& after) noexcept {
  std::size_t got = std::min(most, ring_.length());
  if (got > 0) {
    after.shells = ring_.take_many(got, out);
    after.woken = admit_all_locked();
  } else {
    for (; got < most; ++got) {
      wait_node* const sender = senders_.claim_first();
      if (sender == nullptr) break;
      out.push_back(std::move(source(*sender)));
      ++handed_;
      after.woken.add(*sender);
    }
  }
  after.give_way = spend_locked(std::max<std::size_t>(got, 1));  // one that finds nothing counts too
  return got;
}

template <class T>
void channel_core<T>::settle(batch_aftermath& after) noexcept {
  after.woken.wake();
  while (!after.shells.empty()) retire(after.shells.next());
}

}  // namespace weir::internal
