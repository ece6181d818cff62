// watch_receiver: sees the latest value of a watch, and waits for a newer one (watch.h).
//
// Thread-safety: several may use one handle object, but for assigning, moving from and reset().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/channel_base.h"
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
  watch_receiver(internal::watch_core<T>* adopted, std::unique_ptr<std::uint64_t> seen) noexcept
      : core_(adopted), seen_(std::move(seen)) {}
  watch_receiver(const watch_receiver& other)  // throws std::bad_alloc
      : core_(other.core_), seen_(core_ ? std::make_unique<std::uint64_t>() : nullptr) {
    if (core_) *seen_ = core_->add_receiver(other.seen_.get());
  }
  watch_receiver(watch_receiver&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), seen_(std::move(other.seen_)) {}
  watch_receiver& operator=(watch_receiver other) noexcept {
    std::swap(core_, other.core_);
    std::swap(seen_, other.seen_);
    return *this;
  }
  ~watch_receiver() { reset(); }

  // The latest value, which counts as seen now. Never parks, never empty.
  watch_value<T> get(site where = site::current()) const {
    internal::watch_news<T> news(seen_.get());
    core("get", where).look(news);
    return watch_value<T>(std::move(news));
  }
  // There is a value that this handle has not seen.
  bool has_changed(site where = site::current()) const { return core("has_changed", where).has_changed(*seen_); }

  // Parks until there is a value newer than the one last seen, and gives the latest. Empty once closed, if there is
  // none. A set wakes it; so does close. A cancel throws weir::cancelled (while unwinding: empty). Does not allocate.
  watch_value<T> changed(site where = site::current()) const {
    internal::watch_news<T> news(seen_.get());
    core("changed", where).changed(news, deadline::never(), where);
    return watch_value<T>(std::move(news));
  }
  // The same, at most until `limit`. With a newer value there even an expired deadline succeeds.
  recv_result<watch_value<T>> changed(deadline limit, site where = site::current()) const {
    internal::watch_news<T> news(seen_.get());
    const recv_status status = core("changed", where).changed(news, limit, where);
    return result(status, std::move(news));
  }
  // Never parks.
  recv_result<watch_value<T>> try_changed(site where = site::current()) const {
    internal::watch_news<T> news(seen_.get());
    const recv_status status = core("try_changed", where).try_changed(news);
    return result(status, std::move(news));
  }

  // Parks until ready(value) holds, which is asked of the latest value first, seen or not, and then of each one that is
  // the latest when its turn comes. Ends as changed() does. ready() runs under no lock: it may park, throw, and look.
  template <class Predicate>
  requires std::is_invocable_r_v<bool, Predicate&, const T&> watch_value<T> wait_for(Predicate ready,
                                                                                     site where = site::current())
  const {
    internal::watch_news<T> news(seen_.get());
    core("wait_for", where).wait_for(ready, news, deadline::never(), where);
    return watch_value<T>(std::move(news));
  }
  template <class Predicate>
  requires std::is_invocable_r_v<bool, Predicate&, const T&> recv_result<watch_value<T>> wait_for(
      Predicate ready, deadline limit, site where = site::current())
  const {
    internal::watch_news<T> news(seen_.get());
    const recv_status status = core("wait_for", where).wait_for(ready, news, limit, where);
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
  std::uint64_t* seen() const noexcept { return seen_.get(); }

 private:
  static recv_result<watch_value<T>> result(recv_status status, internal::watch_news<T> news) noexcept {
    if (status != recv_status::ok) return {status, std::nullopt};
    return {status, watch_value<T>(std::move(news))};
  }

  internal::watch_core<T>* core_ = nullptr;
  // Guarded by the core's lock. Not in the handle, which may move while a case of a selector goes by it.
  std::unique_ptr<std::uint64_t> seen_;
};

}  // namespace weir
