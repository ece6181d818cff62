// What a select wants of a watch (delivery_case.h): a value newer than what the handle has seen. `Value` is what the
// body gets, made from watch_news<T>.
//
// Thread-safety: the selecting actor or thread only.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/channels/internal/watch_core.h"
#include "weir/channels/status.h"

namespace weir::internal {

template <class T>
auto watch_core<T>::enroll(news& out, wait_node& node, bool& closed) -> enrolled {
  lock_.lock();
  enrolled e = enrolled::waiting;
  out.looked_at = *out.seen;
  if (out.looked_at < version_ || closed_) {
    e = node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
    if (e == enrolled::done) closed = take_locked(out) == recv_status::closed;
  } else {
    refuse_forked("select");
    node.slot = &out;
    waiters_.push_back(node);
  }
  lock_.unlock();
  return e;
}

template <class T, class Value>
struct watch_arrival {
  watch_core<T>& core;
  watch_news<T> news;

  bool try_now(bool& closed) {
    const recv_status s = core.try_changed(news);
    closed = s == recv_status::closed;
    return s != recv_status::empty;
  }
  select_case::enrolled enroll(wait_node& node, bool& closed) { return core.enroll(news, node, closed); }
  void withdraw(wait_node& node) noexcept { core.withdraw(node); }
  template <class Body>
  decltype(auto) deliver(Body& body, bool) {
    return std::invoke(body, Value(std::move(news)));
  }
  std::string describe() const { return core.describe(); }
};

}  // namespace weir::internal
