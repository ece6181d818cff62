// watch: a single latest value, and who wants to know when it changes: a configuration, a state, a progress.
//   watch<T>(initial)      makes one and gives its two ends
//   watch_sender<T>        set, update; copies count
//   watch_receiver<T>      get, changed, wait_for; each has its own notion of what it has seen; copies begin with that
//   watch_value<T>         a value as somebody saw it: immutable, kept as long as you hold it
//   on_change(rx, body)    for select: body(watch_value<T>), empty once closed
//
// Thread-safety: as channels: several may use one handle object, but for assigning, moving from and reset(). Works from
// plain threads, which then block.
//
// Who is slow sees the latest value and not those between; version() tells how many it skipped. Looking copies nothing
// and keeps no writer waiting. It closes when its last sender goes; a value not seen yet comes first. In a cancelled
// scope a call that would report `closed` throws weir::cancelled instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/channel_base.h"
#include "weir/channels/internal/delivery_case.h"
#include "weir/channels/internal/watch_arrival.h"
#include "weir/channels/internal/watch_core.h"
#include "weir/channels/status.h"
#include "weir/channels/watch_value.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {

template <class T>
class watch_receiver {
 public:
  using value_type = T;

  watch_receiver() = default;  // refers to no watch
  watch_receiver(internal::watch_core<T>* adopted, std::uint64_t seen) noexcept : core_(adopted), seen_(seen) {}
  watch_receiver(const watch_receiver& other) noexcept
      : core_(other.core_), seen_(core_ ? core_->add_receiver(&other.seen_) : 0) {}
  watch_receiver(watch_receiver&& other) noexcept : core_(std::exchange(other.core_, nullptr)), seen_(other.seen_) {}
  watch_receiver& operator=(watch_receiver other) noexcept {
    std::swap(core_, other.core_);
    std::swap(seen_, other.seen_);
    return *this;
  }
  ~watch_receiver() { reset(); }

  // The latest value, which counts as seen now. Never parks, never empty.
  watch_value<T> get(site where = site::current()) const {
    internal::watch_news<T> news(&seen_);
    core("get", where).look(news);
    return watch_value<T>(std::move(news));
  }
  // There is a value that this handle has not seen.
  bool has_changed(site where = site::current()) const { return core("has_changed", where).has_changed(seen_); }

  // Parks until there is a value newer than the one last seen, and gives the latest. Empty once closed, if there is
  // none. A set wakes it; so does close. A cancel throws weir::cancelled (while unwinding: empty). Does not allocate.
  watch_value<T> changed(site where = site::current()) const {
    internal::watch_news<T> news(&seen_);
    core("changed", where).changed(news, deadline::never());
    return watch_value<T>(std::move(news));
  }
  // The same, at most until `limit`. With a newer value there even an expired deadline succeeds.
  recv_result<watch_value<T>> changed(deadline limit, site where = site::current()) const {
    internal::watch_news<T> news(&seen_);
    const recv_status status = core("changed", where).changed(news, limit);
    return result(status, std::move(news));
  }
  // Never parks.
  recv_result<watch_value<T>> try_changed(site where = site::current()) const {
    internal::watch_news<T> news(&seen_);
    const recv_status status = core("try_changed", where).try_changed(news);
    return result(status, std::move(news));
  }

  // Parks until ready(value) holds, which is asked of the latest value first, seen or not, and then of each one that is
  // the latest when its turn comes. Ends as changed() does. ready() runs under no lock: it may park, throw, and look.
  template <class Predicate>
  requires std::is_invocable_r_v<bool, Predicate&, const T&> watch_value<T> wait_for(Predicate ready,
                                                                                     site where = site::current())
  const {
    internal::watch_news<T> news(&seen_);
    core("wait_for", where).wait_for(ready, news, deadline::never());
    return watch_value<T>(std::move(news));
  }
  template <class Predicate>
  requires std::is_invocable_r_v<bool, Predicate&, const T&> recv_result<watch_value<T>> wait_for(
      Predicate ready, deadline limit, site where = site::current())
  const {
    internal::watch_news<T> news(&seen_);
    const recv_status status = core("wait_for", where).wait_for(ready, news, limit);
    return result(status, std::move(news));
  }

  // Gives the handle up.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_receiver();
  }

  // Receivers of this watch that are parked now; stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).receivers_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::watch_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }
  std::uint64_t* seen() const noexcept { return &seen_; }

 private:
  static recv_result<watch_value<T>> result(recv_status status, internal::watch_news<T> news) noexcept {
    if (status != recv_status::ok) return {status, std::nullopt};
    return {status, watch_value<T>(std::move(news))};
  }

  internal::watch_core<T>* core_ = nullptr;
  mutable std::uint64_t seen_ = 0;  // guarded by the core's lock
};

template <class T>
class watch_sender {
 public:
  using value_type = T;

  watch_sender() = default;  // refers to no watch
  explicit watch_sender(internal::watch_core<T>* adopted) noexcept : core_(adopted) {}
  watch_sender(const watch_sender& other) noexcept : core_(other.core_) {
    if (core_) core_->add_sender();
  }
  watch_sender(watch_sender&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  watch_sender& operator=(watch_sender other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~watch_sender() { reset(); }

  // Makes `value` the latest, whether somebody looks or not. Parks only while an update() is at work: then a cancel
  // throws weir::cancelled (while unwinding it waits on), and the value was not moved from. Allocates.
  void set(T&& value, site where = site::current()) const {
    internal::watch_core<T>& watched = core("set", where);
    typename internal::shared_value<T>::space room;
    std::lock_guard turn(watched.turn());
    watched.publish(room.fill(std::move(value)));
  }
  void set(const T& value, site where = site::current()) const requires std::is_copy_constructible_v<T> {
    set(T(value), where);
  }

  // Changes a copy of the latest value by f(T&) and makes that the latest; no other set or update comes between. If f
  // returns bool, false means: leave it. Answers whether the value was set. f runs once, under no lock that readers
  // need, and may park; a set or update in it is misuse. If it throws, nothing is set. Parks as set() does.
  template <class F>
  requires std::is_invocable_v<F&, T&>
  bool update(F f, site where = site::current()) const {
    static_assert(std::is_copy_constructible_v<T>, "weir::watch<T>::update changes a copy: T must be copyable");
    internal::watch_core<T>& watched = core("update", where);
    typename internal::shared_value<T>::space room;
    std::lock_guard turn(watched.turn());
    T next(watched.current().get());
    if constexpr (std::is_same_v<std::invoke_result_t<F&, T&>, bool>) {
      if (!std::invoke(f, next)) return false;
    } else {
      std::invoke(f, next);
    }
    watched.publish(room.fill(std::move(next)));
    return true;
  }

  // The latest value. Never parks.
  watch_value<T> get(site where = site::current()) const {
    std::uint64_t seen = 0;
    internal::watch_news<T> news(&seen);
    core("get", where).look(news);
    return watch_value<T>(std::move(news));
  }

  // A receiver that has seen the latest value.
  watch_receiver<T> subscribe(site where = site::current()) const {
    internal::watch_core<T>& watched = core("subscribe", where);
    return {&watched, watched.add_receiver(nullptr)};
  }
  // How many receivers there are; stale at once.
  std::size_t receivers(site where = site::current()) const { return core("receivers", where).receivers(); }

  // Gives the handle up; the last sender closes.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_sender();
  }
  explicit operator bool() const noexcept { return core_ != nullptr; }

 private:
  internal::watch_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

  internal::watch_core<T>* core_ = nullptr;
};

// `auto [tx, rx] = weir::watch<config>(read_config());`
template <class T>
struct watch_ends {
  watch_sender<T> tx;
  watch_receiver<T> rx;
};

// Makes a watch; its receiver has seen `initial`. `name` appears in dumps. Throws std::bad_alloc.
template <class T>
requires(!std::is_reference_v<T> && !std::is_const_v<T>)
    [[nodiscard]] watch_ends<T> watch(T&& initial, std::string_view name = {}, site where = site::current()) {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "weir::watch<T>: T must be nothrow-move-constructible; watch a std::unique_ptr<T> instead");
  typename internal::shared_value<T>::space room;
  auto* const core = new internal::watch_core<T>(room.fill(std::move(initial)), name, where);
  return {watch_sender<T>(core), watch_receiver<T>(core, 1)};
}
template <class T>
[[nodiscard]] watch_ends<T> watch(const T& initial, std::string_view name = {}, site where = site::current()) {
  return watch(T(initial), name, where);
}

template <class T, class Body>
auto on_change(const watch_receiver<T>& from, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, watch_value<T>>, "weir::on_change: the body takes a weir::watch_value<T>");
  return internal::delivery_case<internal::watch_arrival<T, watch_value<T>>, Body>(
      {from.core("on_change", where), internal::watch_news<T>(from.seen())}, std::move(body), where);
}

}  // namespace weir
