// Channels: bounded queues between actors, or hand-over without a queue (capacity 0).
//   channel<T>(capacity)   makes one and gives its two ends
//   sender<T>              sends and closes; copies count
//   receiver<T>            receives, also by `for (T& v : rx)`
//
// Thread-safety: one handle object may be used by many actors and OS threads at once; only assigning, moving from and
// reset() need exclusion. A channel belongs to no runtime: on a plain thread a call that would park blocks the thread.
//
// The channel closes when its last sender goes, when its last receiver goes, or by close() from either side. Receivers
// still get what was buffered; when the last receiver goes it is destroyed. In a cancelled scope a call that would
// report `closed` throws weir::cancelled instead, so that a cancelled producer does not look like a finished one.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_ref.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"

namespace weir {

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
    return core("send", where).send(value, deadline::never()) == send_status::ok;
  }
  bool send(const T& value, site where = site::current()) const requires std::is_copy_constructible_v<T> {
    return send(T(value), where);
  }
  // The same, at most until `limit`. With a ready peer even an expired deadline succeeds.
  send_status send(T&& value, deadline limit, site where = site::current()) const {
    return core("send", where).send(value, limit);
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

  // Closes for all senders and receivers; parked senders get false and keep their value. Idempotent.
  void close(site where = site::current()) const { core("close", where).close(); }
  // Gives this handle up; the last sender closes.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_sender();
  }

  // Values in the buffer now; stale at once.
  std::size_t length(site where = site::current()) const { return core("length", where).length(); }
  std::size_t capacity(site where = site::current()) const { return core("capacity", where).capacity(); }
  // Senders that are parked now; stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).senders_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::channel_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

 private:
  internal::sender_ref<internal::channel_core<T>> core_;
};

template <class T>
class receiver {
 public:
  using value_type = T;

  receiver() = default;  // refers to no channel
  explicit receiver(internal::channel_core<T>* adopted) noexcept : core_(adopted) {}
  receiver(const receiver& other) noexcept : core_(other.core_) {
    if (core_) core_->add_receiver();
  }
  receiver(receiver&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  receiver& operator=(receiver other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~receiver() { reset(); }

  // Parks until there is a value. Empty once the channel is closed and drained. A send wakes it; so does close. A
  // cancel throws weir::cancelled (while unwinding: empty). Does not allocate.
  std::optional<T> recv(site where = site::current()) const {
    std::optional<T> value;
    core("recv", where).recv(value, deadline::never());
    return value;
  }
  // The same, at most until `limit`. With a ready peer even an expired deadline succeeds.
  recv_result<T> recv(deadline limit, site where = site::current()) const {
    std::optional<T> value;
    const recv_status status = core("recv", where).recv(value, limit);
    return {status, std::move(value)};
  }
  // Never parks.
  recv_result<T> try_recv(site where = site::current()) const {
    std::optional<T> value;
    const recv_status status = core("try_recv", where).try_recv(value);
    return {status, std::move(value)};
  }

  // An input range of T&: each step is a recv(), the end is the end of the channel.
  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(const receiver& from) : from_(&from) { ++*this; }
    T& operator*() const noexcept { return *value_; }
    T* operator->() const noexcept { return &*value_; }
    iterator& operator++() {
      value_.reset();
      from_->core("recv", {}).recv(value_, deadline::never());
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !value_.has_value(); }

   private:
    const receiver* from_ = nullptr;
    mutable std::optional<T> value_;
  };
  iterator begin(site where = site::current()) const {
    core("for", where);
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

  // Closes for all senders and receivers; what is buffered can still be received. Idempotent.
  void close(site where = site::current()) const { core("close", where).close(); }
  // Gives this handle up; the last receiver closes and destroys what is buffered.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_receiver();
  }

  // Values in the buffer now; stale at once.
  std::size_t length(site where = site::current()) const { return core("length", where).length(); }
  std::size_t capacity(site where = site::current()) const { return core("capacity", where).capacity(); }
  // Receivers that are parked now; stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).receivers_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::channel_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

 private:
  internal::receiver_ref<internal::channel_core<T>> core_;
};

// `auto [tx, rx] = weir::channel<job>(64);`
template <class T>
struct channel_ends {
  sender<T> tx;
  receiver<T> rx;
};

// Makes a channel. `capacity`: values it buffers, 0 to 16 777 216; with 0 a send waits for its receiver (rendezvous).
// `name` appears in dumps. Allocates the whole buffer. Throws misuse, std::bad_alloc.
template <class T>
[[nodiscard]] channel_ends<T> channel(long long capacity, std::string_view name = {}, site where = site::current()) {
  static_assert(
      std::is_nothrow_move_constructible_v<T>,
      "weir::channel<T>: T must be nothrow-move-constructible, as a value is moved while its peer is claimed; "
      "send a std::unique_ptr<T> instead");
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "weir::channel<T>: T must be a plain object type");
  const std::size_t checked = internal::checked_capacity(capacity, name, where);
  auto* const core = new internal::channel_core<T>(checked, name, where);
  return {sender<T>(core), receiver<T>(core)};
}

}  // namespace weir
