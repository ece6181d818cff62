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
#include <memory>
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
#include "weir/channels/watch_receiver.h"
#include "weir/channels/watch_value.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {

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
    internal::shared_value<T> fresh;
    bool tired;
    {
      std::lock_guard turn(watched.turn());
      fresh = room.fill(std::move(value));
      tired = watched.publish(fresh);
    }
    if (tired) internal::give_way();
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
    internal::shared_value<T> fresh;
    std::optional<T> next;  // as `fresh`, it outlives the turn
    bool tired;
    {
      std::lock_guard turn(watched.turn());
      next.emplace(watched.current().get());
      if constexpr (std::is_same_v<std::invoke_result_t<F&, T&>, bool>) {
        if (!std::invoke(f, *next)) return false;
      } else {
        std::invoke(f, *next);
      }
      fresh = room.fill(std::move(*next));
      tired = watched.publish(fresh);
    }
    if (tired) internal::give_way();
    return true;
  }

  // The latest value. Never parks.
  watch_value<T> get(site where = site::current()) const {
    std::uint64_t seen = 0;
    internal::watch_news<T> news(&seen);
    core("get", where).look(news);
    return watch_value<T>(std::move(news));
  }

  // A receiver that has seen the latest value. Throws std::bad_alloc.
  watch_receiver<T> subscribe(site where = site::current()) const {
    internal::watch_core<T>& watched = core("subscribe", where);
    auto seen = std::make_unique<std::uint64_t>();
    *seen = watched.add_receiver(nullptr);
    return {&watched, std::move(seen)};
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
  auto seen = std::make_unique<std::uint64_t>(1);
  auto* const core = new internal::watch_core<T>(room.fill(std::move(initial)), name, where);
  return {watch_sender<T>(core), watch_receiver<T>(core, std::move(seen))};
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
