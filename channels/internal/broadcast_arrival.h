// What a select wants of a broadcast (delivery_case.h): the next value, or to know that some were missed. `Result` is
// what the body gets.
//
// Thread-safety: the selecting actor or thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "weir/channels/broadcast_result.h"
#include "weir/channels/internal/broadcast_steps.h"
#include "weir/channels/internal/select_case.h"

namespace weir::internal {

template <class T>
auto broadcast_core<T>::enroll(news& out, wait_node& node, bool& closed) -> enrolled {
  lock_.lock();
  if (out.place->next == end_ && !closed_) {
    refuse_forked("select");
    node.slot = &out;
    waiters_.push_back(node);
    lock_.unlock();
    return enrolled::waiting;
  }
  const bool mine = node.owner->word().claim_self(node.epoch);
  if (mine) closed = take_locked(out) == status::closed;
  pass_on_and_unlock(0);
  return mine ? enrolled::done : enrolled::lost;
}

// The caller's own copy of what came, if a value came. Not under the lock.
template <class T>
std::optional<T> take_value(broadcast_news<T>& news) {
  shared_value<T> came = std::move(news.value);
  if (!came) return std::nullopt;
  return came.take();
}

template <class T, class Result>
struct broadcast_arrival {
  broadcast_core<T>& core;
  broadcast_news<T> news;

  bool try_now(bool& closed) {
    const broadcast_status s = core.try_recv(news);
    closed = s == broadcast_status::closed;
    return s != broadcast_status::empty;
  }
  select_case::enrolled enroll(wait_node& node, bool& closed) { return core.enroll(news, node, closed); }
  void withdraw(wait_node& node) noexcept { core.withdraw(node); }
  template <class Body>
  decltype(auto) deliver(Body& body, bool closed) {
    const std::uint64_t missed = std::exchange(news.missed, 0);  // a selector comes back to the case
    const broadcast_status s = closed   ? broadcast_status::closed
                               : missed ? broadcast_status::lagged
                                        : broadcast_status::ok;
    return std::invoke(body, Result(s, missed, take_value(news)));
  }
  std::string describe() const { return "recv " + core.describe(); }
};

}  // namespace weir::internal
