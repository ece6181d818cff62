// oneshot: one value, once, from one sender to one receiver: an answer to a question.
//   oneshot<T>()           makes one and gives its two ends
//   oneshot_sender<T>      std::move(tx).send(value), and knows when nobody waits for it any more
//   oneshot_receiver<T>    recv()
//   on_recv(rx, body)      for select: body(std::optional<T>), empty if nothing will come
//   on_closed(tx, body)    for select: body(), once the receiver is gone
//
// Thread-safety: as channels: several may use one handle object, but for send, assigning, moving from and reset().
// Works from plain threads, which then block. The ends cannot be copied.
//
// It closes when either end goes without a value, or by the receiver's close(). A value that was sent before can still
// be received; if the receiver goes, it is destroyed at once. In a cancelled scope a call that would report `closed`
// throws weir::cancelled instead. One allocation, at the making.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/channel_base.h"
#include "weir/channels/internal/delivery_case.h"
#include "weir/channels/internal/oneshot_core.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir {

template <class T>
class oneshot_sender {
 public:
  using value_type = T;

  oneshot_sender() = default;  // refers to no oneshot
  explicit oneshot_sender(internal::oneshot_core<T>* adopted) noexcept : core_(adopted) {}
  oneshot_sender(oneshot_sender&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  oneshot_sender& operator=(oneshot_sender other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~oneshot_sender() { reset(); }

  // Sends, and gives this handle up: `std::move(tx).send(v)`. True: the receiver has the value or will find it. False:
  // it is gone or has closed; then the value was not moved from. Never parks, never allocates.
  bool send(T&& value, site where = site::current()) && {
    core("send", where);
    if (std::exchange(core_, nullptr)->send(value)) return true;
    internal::closed_or_cancelled("send");
    return false;
  }
  bool send(const T& value, site where = site::current()) && requires std::is_copy_constructible_v<T> {
    return std::move(*this).send(T(value), where);
  }

  // The receiver is gone or has closed: nobody will ever receive. Never parks.
  bool closed(site where = site::current()) const { return core("closed", where).closed(); }
  // Parks until that; true. False: `limit` came. A cancel throws weir::cancelled (while unwinding: true).
  bool wait_closed(deadline limit = {}, site where = site::current()) const {
    return core("wait_closed", where).wait_closed(limit, where);
  }

  // Gives the handle up; unless it has sent, the receiver gets nothing, at once.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_sender();
  }

  // How many are parked in wait_closed(); stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).senders_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::oneshot_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

 private:
  internal::oneshot_core<T>* core_ = nullptr;
};

template <class T>
class oneshot_receiver {
 public:
  using value_type = T;

  oneshot_receiver() = default;  // refers to no oneshot
  explicit oneshot_receiver(internal::oneshot_core<T>* adopted) noexcept : core_(adopted) {}
  oneshot_receiver(oneshot_receiver&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  oneshot_receiver& operator=(oneshot_receiver other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~oneshot_receiver() { reset(); }

  // Parks until the value is there. Empty if none will come: the sender went without one, close(), or it was received
  // before. A send wakes it; so does the sender's end. A cancel throws weir::cancelled (while unwinding: empty).
  std::optional<T> recv(site where = site::current()) const {
    std::optional<T> value;
    core("recv", where).recv(value, deadline::never(), where);
    return value;
  }
  // The same, at most until `limit`. With a value there even an expired deadline succeeds.
  recv_result<T> recv(deadline limit, site where = site::current()) const {
    std::optional<T> value;
    const recv_status status = core("recv", where).recv(value, limit, where);
    return {status, std::move(value)};
  }
  // Never parks.
  recv_result<T> try_recv(site where = site::current()) const {
    std::optional<T> value;
    const recv_status status = core("try_recv", where).try_recv(value);
    return {status, std::move(value)};
  }

  // Nothing can be sent any more; what was sent can still be received. Idempotent.
  void close(site where = site::current()) const { core("close", where).close(); }
  // Gives the handle up: closes, and destroys what was sent.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_receiver();
  }

  // How many are parked in recv(); stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).receivers_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::oneshot_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

 private:
  internal::oneshot_core<T>* core_ = nullptr;
};

// `auto [tx, rx] = weir::oneshot<answer>();`
template <class T>
struct oneshot_ends {
  oneshot_sender<T> tx;
  oneshot_receiver<T> rx;
};

// Makes a oneshot. Throws std::bad_alloc.
template <class T>
[[nodiscard]] oneshot_ends<T> oneshot(site where = site::current()) {
  static_assert(
      std::is_nothrow_move_constructible_v<T>,
      "weir::oneshot<T>: T must be nothrow-move-constructible, as a value is moved while its peer is claimed; "
      "send a std::unique_ptr<T> instead");
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "weir::oneshot<T>: T must be a plain object type");
  auto* const core = new internal::oneshot_core<T>(where);
  return {oneshot_sender<T>(core), oneshot_receiver<T>(core)};
}

namespace internal {

// What a select wants of a oneshot: its value (delivery_case.h).
template <class T>
struct oneshot_arrival {
  oneshot_core<T>& core;
  std::optional<T> value;

  bool try_now(bool& closed) {
    const recv_status s = core.try_recv(value);
    closed = s == recv_status::closed;
    return s != recv_status::empty;
  }
  select_case::enrolled enroll(wait_node& node, bool& closed) { return core.enroll_recv(value, node, closed); }
  void withdraw(wait_node& node) noexcept { core.withdraw_recv(node); }
  template <class Body>
  decltype(auto) deliver(Body& body, bool) {
    const emptied_at_end<T> afterwards{value};
    return std::invoke(body, std::move(value));
  }
  std::string describe() const { return "recv " + core.describe(); }
};

// Or the end of its receiver.
template <class T>
struct oneshot_closing {
  oneshot_core<T>& core;

  bool try_now(bool& closed) { return closed = core.closed(); }
  select_case::enrolled enroll(wait_node& node, bool& closed) { return core.enroll_closed(node, closed); }
  void withdraw(wait_node& node) noexcept { core.withdraw_closed(node); }
  template <class Body>
  decltype(auto) deliver(Body& body, bool) {
    return std::invoke(body);
  }
  std::string describe() const { return "end of " + core.describe(); }
};

}  // namespace internal

template <class T, class Body>
auto on_recv(const oneshot_receiver<T>& from, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, std::optional<T>>, "weir::on_recv: the body takes a std::optional<T>");
  return internal::delivery_case<internal::oneshot_arrival<T>, Body>({from.core("on_recv", where), {}}, std::move(body),
                                                                     where);
}

template <class T, class Body>
auto on_closed(const oneshot_sender<T>& to, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::on_closed: the body takes nothing");
  return internal::delivery_case<internal::oneshot_closing<T>, Body>({to.core("on_closed", where)}, std::move(body),
                                                                     where);
}

}  // namespace weir
