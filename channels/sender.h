// The sending end of a channel, and the handle that does not keep the channel open.
//   sender<T>        sends and closes; copies count, and the last one to go closes
//   weak_sender<T>   gives a sender as long as there is one
//
// Thread-safety: one handle object may be used by many actors and OS threads at once; only assigning, moving from and
// reset() need exclusion.
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/channel_calls.h"
#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_many.h"
#include "weir/channels/internal/channel_ref.h"
#include "weir/channels/internal/channel_slots.h"
#include "weir/channels/permit.h"
#include "weir/channels/statistics.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {

template <class T>
class weak_sender;

template <class T>
class sender {
 public:
  using value_type = T;

  sender() = default;  // refers to no channel
  explicit sender(internal::channel_core<T>* adopted) noexcept : core_(adopted) {}
  sender(const sender& other) noexcept : core_(other.core_) {
    if (core_) core_->add_sender();
  }
  sender(sender&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  sender& operator=(sender other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~sender() { reset(); }

  // Parks until the value is buffered or handed over: true. False once the channel is closed; then the value was not
  // moved from. A receive wakes it; so does close. A cancel throws weir::cancelled (while unwinding: false). Does not
  // allocate.
  bool send(T&& value, site where = site::current()) const {
    return core("send", where).send(value, deadline::never(), where) == send_status::ok;
  }
  bool send(const T& value, site where = site::current()) const requires std::is_copy_constructible_v<T> {
    return send(T(value), where);
  }
  // The same, at most until `limit`. With a ready peer even an expired deadline succeeds.
  send_status send(T&& value, deadline limit, site where = site::current()) const {
    return core("send", where).send(value, limit, where);
  }
  send_status send(const T& value, deadline limit,
                   site where = site::current()) const requires std::is_copy_constructible_v<T> {
    return send(T(value), limit, where);
  }
  // Never parks.
  send_status try_send(T&& value, site where = site::current()) const {
    return core("try_send", where).try_send(value);
  }
  send_status try_send(const T& value, site where = site::current()) const requires std::is_copy_constructible_v<T> {
    return try_send(T(value), where);
  }

  // Sends all of them in order, as send() would one by one, but takes the lock once for many. Returns how many went:
  // less than all once the channel is closed; the rest was not moved from. Receives wake it; so does close. A cancel
  // throws weir::cancelled, as it would between two sends: what went has been moved from. Does not allocate.
  std::size_t send_many(std::span<T> values, site where = site::current()) const {
    std::size_t sent = 0;
    core("send_many", where).send_many(values, deadline::never(), sent, where);
    return sent;
  }
  // The same, at most until `limit`.
  many_result<send_status> send_many(std::span<T> values, deadline limit, site where = site::current()) const {
    std::size_t sent = 0;
    const send_status status = core("send_many", where).send_many(values, limit, sent, where);
    return {status, sent};
  }

  // Takes a slot of the buffer before there is a value. Parks as send() does, in the same line, until there is one;
  // an empty permit once the channel is closed. A receive wakes it, and so do a permit that is dropped, a resize and
  // close. A cancel throws weir::cancelled (while unwinding: an empty permit). Misuse on a rendezvous, which has no
  // slots, and on a channel bound by weight, whose slots have no size.
  permit<T> reserve(site where = site::current()) const { return reserve(deadline::never(), where); }
  // The same, at most until `limit`; the permit says how it ended.
  permit<T> reserve(deadline limit, site where = site::current()) const {
    internal::channel_core<T>& c = slots("reserve", where);
    return permit<T>(c, c.reserve(limit, where));
  }
  // Never parks.
  permit<T> try_reserve(site where = site::current()) const {
    internal::channel_core<T>& c = slots("try_reserve", where);
    return permit<T>(c, c.try_reserve());
  }

  // Closes for all senders and receivers; parked senders get false and keep their value. Idempotent.
  void close(site where = site::current()) const { core("close", where).close(); }
  // The same, with the reason, which cause() tells on every handle. Of several closes the first one counts.
  void close(std::exception_ptr cause, site where = site::current()) const {
    core("close", where).close(std::move(cause));
  }
  // The reason as a std::runtime_error.
  void close(const std::string& cause, site where = site::current()) const {
    close(std::make_exception_ptr(std::runtime_error(cause)), where);
  }
  // What the channel was closed with. Null while it is open, and if it was closed without a reason.
  std::exception_ptr cause(site where = site::current()) const { return core("cause", where).cause(); }

  // Gives this handle up; the last sender closes.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_sender();
  }
  // The same, with the reason why no more comes from this sender. The others go on; once the channel is closed without
  // another reason, as by the last of them, this is its cause. Of several the first one counts.
  void reset(std::exception_ptr cause) noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_sender(std::move(cause));
  }

  // Values in the buffer now; stale at once.
  std::size_t length(site where = site::current()) const { return core("length", where).length(); }
  // 0: rendezvous. weir::no_bound: unbounded.
  std::size_t capacity(site where = site::current()) const { return core("capacity", where).capacity(); }
  // Changes the capacity, also while others use the channel: 1 to 16 777 216. More slots wake those who wait for one;
  // with less than are taken now, sends wait until enough was received. Misuse on a rendezvous and an unbounded
  // channel. May allocate.
  void resize(long long capacity, site where = site::current()) const {
    internal::channel_core<T>& c = core("resize", where);
    c.resize(internal::checked_resize(c.capacity(), capacity, where));
  }
  channel_statistics statistics(site where = site::current()) const { return core("statistics", where).statistics(); }
  // A handle that does not keep the channel open.
  weak_sender<T> weak(site where = site::current()) const { return weak_sender<T>(core("weak", where)); }
  // Senders that are parked now, those in reserve() too; stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).senders_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::channel_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

 private:
  internal::channel_core<T>& slots(const char* call, site where) const {
    internal::channel_core<T>& c = core(call, where);
    if (c.capacity() == 0 || c.weighed()) internal::throw_no_slots(call, c.weighed(), where);
    return c;
  }

  internal::sender_ref<internal::channel_core<T>> core_;
};

// Refers to a channel without keeping it open: the channel closes when the last sender goes, whatever weak senders
// there are.
template <class T>
class weak_sender {
 public:
  using value_type = T;

  weak_sender() = default;  // refers to no channel
  explicit weak_sender(internal::channel_core<T>& core) noexcept : core_(&core) { core.add_weak(); }
  weak_sender(const weak_sender& other) noexcept : core_(other.core_) {
    if (core_) core_->add_weak();
  }
  weak_sender(weak_sender&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  weak_sender& operator=(weak_sender other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~weak_sender() { reset(); }

  // One more sender; an empty one if the last has gone, or this handle refers to no channel. A channel that was closed
  // by close() still has its senders.
  sender<T> lock() const noexcept { return core_ && core_->add_sender_if_any() ? sender<T>(core_) : sender<T>(); }

  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_weak();
  }

  // For select.
  internal::channel_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

 private:
  internal::channel_core<T>* core_ = nullptr;
};

}  // namespace weir
