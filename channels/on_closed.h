// The end of a channel as a case of select, for who does not send just then.
//   on_closed(tx, body)   body(): the channel is closed, by close() or as its last receiver has gone
//
// Thread-safety: a case belongs to its select.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/delivery_case.h"
#include "weir/channels/sender.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace internal {

// What a select wants of a channel: its end (delivery_case.h).
struct channel_closing {
  channel_base& channel;

  bool try_now(bool& closed) { return closed = channel.is_closed(); }
  select_case::enrolled enroll(wait_node& node, bool& closed) {
    const enrolled e = channel.enroll_closed(node);
    closed = e == enrolled::done;
    return e;
  }
  void withdraw(wait_node& node) noexcept { channel.withdraw_closed(node); }
  template <class Body>
  decltype(auto) deliver(Body& body, bool) {
    return std::invoke(body);
  }
  std::string describe() const { return "end of " + channel.describe(); }
};

}  // namespace internal

// A closed channel is ready for ever. What is buffered need not have been received. Of a weak sender, also when the
// last sender has gone.
template <class T, class Body>
auto on_closed(const sender<T>& to, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::on_closed: the body takes nothing");
  return internal::delivery_case<internal::channel_closing, Body>({to.core("on_closed", where)}, std::move(body),
                                                                  where);
}
template <class T, class Body>
auto on_closed(const weak_sender<T>& to, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::on_closed: the body takes nothing");
  return internal::delivery_case<internal::channel_closing, Body>({to.core("on_closed", where)}, std::move(body),
                                                                  where);
}

}  // namespace weir
