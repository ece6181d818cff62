// broadcast: each receiver sees every value that is sent after it subscribed.
//   broadcast<T>(capacity)   makes one and gives its first two ends
//   broadcast_sender<T>      sends; copies count
//   broadcast_receiver<T>    receives; subscribe() makes one more, for what is sent from then on
//   on_recv(rx, body)        for select: body(broadcast_result<T>)
//
// Thread-safety: as channels: several may use one handle object, but for assigning, moving from and reset(). Works from
// plain threads, which then block.
//
// A send waits for nobody: it overwrites the oldest value, and who had not come to that learns how many it missed. With
// {.block = true} it waits for the slowest receiver, and nobody misses anything. A value goes with the last receiver to
// see it. The last sender to go, or close(), closes; receivers drain first. In a cancelled scope a call that would
// report `closed` throws weir::cancelled instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/channels/broadcast_result.h"
#include "weir/channels/internal/broadcast_arrival.h"
#include "weir/channels/internal/channel_base.h"
#include "weir/channels/internal/delivery_case.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {

template <class T>
class broadcast_receiver {
 public:
  using value_type = T;

  broadcast_receiver() = default;  // refers to no broadcast
  explicit broadcast_receiver(internal::broadcast_core<T>& core)
      : core_(&core), place_(std::make_unique<internal::subscription>()) {
    core.subscribe(*place_);
  }
  broadcast_receiver(broadcast_receiver&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), place_(std::move(other.place_)) {}
  broadcast_receiver& operator=(broadcast_receiver other) noexcept {
    std::swap(core_, other.core_);
    std::swap(place_, other.place_);
    return *this;
  }
  ~broadcast_receiver() { reset(); }

  // One more receiver, for what is sent from now on. Throws std::bad_alloc.
  broadcast_receiver subscribe(site where = site::current()) const {
    return broadcast_receiver(core("subscribe", where));
  }

  // Parks until there is a value, and gives a copy; the last receiver to come to a value gets the value itself.
  // `lagged`: missed() values were overwritten, told once; the next call gives the oldest kept. `closed`: no more will
  // come. A send wakes it, and close. A cancel throws weir::cancelled (while unwinding: closed). Does not allocate.
  // What T's copy constructor throws comes out here, and the value is passed.
  broadcast_result<T> recv(site where = site::current()) const { return recv(deadline::never(), where); }
  // The same, at most until `limit`. With a value there even an expired deadline succeeds.
  broadcast_result<T> recv(deadline limit, site where = site::current()) const {
    internal::broadcast_news<T> news(place_.get());
    const broadcast_status status = core("recv", where).recv(news, limit, where);
    return {status, news.missed, internal::take_value(news)};
  }
  // Never parks.
  broadcast_result<T> try_recv(site where = site::current()) const {
    internal::broadcast_news<T> news(place_.get());
    const broadcast_status status = core("try_recv", where).try_recv(news);
    return {status, news.missed, internal::take_value(news)};
  }

  // An input range of T&: each step is a recv() that passes over what was missed; missed() tells how many those were.
  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    iterator(const broadcast_receiver& from, site where) : from_(&from), where_(where) { ++*this; }
    T& operator*() const noexcept { return **result_; }
    T* operator->() const noexcept { return &**result_; }
    iterator& operator++() {
      do {
        result_.reset();
        result_.emplace(from_->recv(where_));
      } while (result_->status() == broadcast_status::lagged);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !*result_; }

   private:
    const broadcast_receiver* from_ = nullptr;
    site where_;  // of the loop
    mutable std::optional<broadcast_result<T>> result_;
  };
  iterator begin(site where = site::current()) const { return core("for", where), iterator(*this, where); }
  std::default_sentinel_t end() const noexcept { return {}; }

  // How many values this receiver has missed in all.
  std::uint64_t missed(site where = site::current()) const { return core("missed", where).missed(*place_); }
  // Values that wait for this receiver; stale at once.
  std::size_t length(site where = site::current()) const { return core("length", where).length(*place_); }
  // Receivers of this broadcast that are parked now; stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).receivers_waiting(); }

  // Gives the handle up. Values that only it had not seen are destroyed.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->unsubscribe(*place_);
    place_.reset();
  }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::broadcast_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }
  internal::subscription* place() const noexcept { return place_.get(); }

 private:
  internal::broadcast_core<T>* core_ = nullptr;
  std::unique_ptr<internal::subscription> place_;  // waiters refer to it, and handles move
};

template <class T>
class broadcast_sender {
 public:
  using value_type = T;

  broadcast_sender() = default;  // refers to no broadcast
  explicit broadcast_sender(internal::broadcast_core<T>* adopted) noexcept : core_(adopted) {}
  broadcast_sender(const broadcast_sender& other) noexcept : core_(other.core_) {
    if (core_) core_->add_sender();
  }
  broadcast_sender(broadcast_sender&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  broadcast_sender& operator=(broadcast_sender other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~broadcast_sender() { reset(); }

  // Sends, and answers how many receivers will get it. 0: nobody has subscribed, or it is closed; then the value was
  // not moved from. Parks only with {.block = true}, until the slowest receiver has made room or goes; close wakes it
  // too. A cancel throws weir::cancelled (while unwinding: 0). Allocates.
  std::size_t send(T&& value, site where = site::current()) const {
    std::size_t reached = 0;
    core("send", where).send(value, patience::wait, deadline::never(), reached, where);
    return reached;
  }
  std::size_t send(const T& value, site where = site::current()) const { return send(T(value), where); }
  // The same, at most until `limit`. `closed`: as 0 above.
  send_status send(T&& value, deadline limit, site where = site::current()) const {
    std::size_t reached = 0;
    return core("send", where).send(value, patience::wait, limit, reached, where);
  }
  send_status send(const T& value, deadline limit, site where = site::current()) const {
    return send(T(value), limit, where);
  }
  // Never parks. `full`: only with {.block = true}.
  send_status try_send(T&& value, site where = site::current()) const {
    std::size_t reached = 0;
    return core("try_send", where).send(value, patience::none, deadline::never(), reached, where);
  }
  send_status try_send(const T& value, site where = site::current()) const { return try_send(T(value), where); }

  // A receiver for what is sent from now on. Throws std::bad_alloc.
  broadcast_receiver<T> subscribe(site where = site::current()) const {
    return broadcast_receiver<T>(core("subscribe", where));
  }
  // How many receivers there are; stale at once.
  std::size_t receivers(site where = site::current()) const { return core("receivers", where).receivers(); }

  // Closes for all senders and receivers; what was sent can still be received. Idempotent.
  void close(site where = site::current()) const { core("close", where).close(); }
  // Gives this handle up; the last sender closes.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_sender();
  }

  // Values that some receiver has not seen yet; stale at once.
  std::size_t length(site where = site::current()) const { return core("length", where).length(); }
  std::size_t capacity(site where = site::current()) const { return core("capacity", where).capacity(); }
  // Senders that are parked now; stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).senders_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

 private:
  using patience = typename internal::broadcast_core<T>::patience;

  internal::broadcast_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

  internal::broadcast_core<T>* core_ = nullptr;
};

// `auto [tx, rx] = weir::broadcast<line>(64);`
template <class T>
struct broadcast_ends {
  broadcast_sender<T> tx;
  broadcast_receiver<T> rx;
};

struct broadcast_options {
  bool block = false;          // a send waits for the slowest receiver, instead of overwriting
  std::string_view name = {};  // appears in dumps
};

// Makes a broadcast that keeps the last `capacity` values, 1 to 16 777 216. Throws misuse, std::bad_alloc.
template <class T>
[[nodiscard]] broadcast_ends<T> broadcast(long long capacity, broadcast_options options = {},
                                          site where = site::current()) {
  static_assert(std::is_copy_constructible_v<T>,
                "weir::broadcast<T>: each receiver gets a copy; send a std::shared_ptr<const T> instead");
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "weir::broadcast<T>: T must be nothrow-move-constructible, as a value is moved under a lock; "
                "send a std::shared_ptr<const T> instead");
  const std::size_t checked = internal::checked_broadcast_capacity(capacity, options.name, where);
  auto* const core = new internal::broadcast_core<T>(checked, options.block, options.name, where);
  broadcast_sender<T> tx(core);
  return {std::move(tx), broadcast_receiver<T>(*core)};
}

template <class T, class Body>
auto on_recv(const broadcast_receiver<T>& from, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, broadcast_result<T>>, "weir::on_recv: the body takes a broadcast_result<T>");
  return internal::delivery_case<internal::broadcast_arrival<T, broadcast_result<T>>, Body>(
      {from.core("on_recv", where), internal::broadcast_news<T>(from.place())}, std::move(body), where);
}

}  // namespace weir
