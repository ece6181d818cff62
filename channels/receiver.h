// The receiving end of a channel.
//   receiver<T>   receives, also by `for (T& v : rx)`; copies share what comes, and the last one to go closes
//
// Thread-safety: one handle object may be used by many actors and OS threads at once; only assigning, moving from and
// reset() need exclusion.
#pragma once

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/channels/internal/channel_calls.h"
#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_many.h"
#include "weir/channels/internal/channel_ref.h"
#include "weir/channels/internal/channel_slots.h"
#include "weir/channels/statistics.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {

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
    core("recv", where).recv(value, deadline::never(), where);
    // Read as it was written, in parts. Copied whole, as compilers do with 16 bytes, it cannot be forwarded from what
    // the sender has just stored, and waits until the caches have that.
    if constexpr (sizeof(value) <= 16 && std::is_trivially_copyable_v<T>)
      return value.has_value() ? std::optional<T>(*value) : std::nullopt;
    else
      return value;
  }
  // The same, at most until `limit`. With a ready peer even an expired deadline succeeds.
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

  // Takes what is there, up to `most` values, to the end of `out`, under one hold of the lock for many. Waits for the
  // first value only, and returns how many came: 0 once the channel is closed and drained. A send wakes it; so does
  // close. A cancel throws weir::cancelled, but never once a value has come (while unwinding: 0). Allocates only what
  // `out` needs. Misuse if `most` is 0.
  std::size_t recv_many(std::vector<T>& out, std::size_t most, site where = site::current()) const {
    std::size_t count = 0;
    many("recv_many", most, where).recv_many(out, most, deadline::never(), count, where);
    return count;
  }
  // The same, at most until `limit`.
  many_result<recv_status> recv_many(std::vector<T>& out, std::size_t most, deadline limit,
                                     site where = site::current()) const {
    std::size_t count = 0;
    const recv_status status = many("recv_many", most, where).recv_many(out, most, limit, count, where);
    return {status, count};
  }

  // An input range of T&: each step is a recv(), the end is the end of the channel.
  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    iterator(const receiver& from, site where) : from_(&from), where_(where) { ++*this; }
    T& operator*() const noexcept { return *value_; }
    T* operator->() const noexcept { return &*value_; }
    iterator& operator++() {
      value_.reset();
      from_->core("recv", where_).recv(value_, deadline::never(), where_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !value_.has_value(); }

   private:
    const receiver* from_ = nullptr;
    site where_;  // of the loop
    mutable std::optional<T> value_;
  };
  iterator begin(site where = site::current()) const { return core("for", where), iterator(*this, where); }
  std::default_sentinel_t end() const noexcept { return {}; }

  // Closes for all senders and receivers; what is buffered can still be received. Idempotent.
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

  // Gives this handle up; the last receiver closes and destroys what is buffered.
  void reset() noexcept {
    if (core_) std::exchange(core_, nullptr)->drop_receiver();
  }
  // Gives this handle up if there are other receivers, to which what comes is left: true. False: this is the last one,
  // and it stays, so that nothing is lost. Of several that leave at once one stays. Never parks.
  bool leave_to_others(site where = site::current()) {
    if (!core("leave_to_others", where).drop_receiver_but_last()) return false;
    core_ = nullptr;
    return true;
  }

  // Values in the buffer now; stale at once.
  std::size_t length(site where = site::current()) const { return core("length", where).length(); }
  // 0: rendezvous. weir::no_bound: unbounded.
  std::size_t capacity(site where = site::current()) const { return core("capacity", where).capacity(); }
  // As sender::resize().
  void resize(long long capacity, site where = site::current()) const {
    internal::channel_core<T>& c = core("resize", where);
    c.resize(internal::checked_resize(c.capacity(), capacity, where));
  }
  channel_statistics statistics(site where = site::current()) const { return core("statistics", where).statistics(); }
  // Receivers that are parked now; stale at once.
  std::size_t waiting(site where = site::current()) const { return core("waiting", where).receivers_waiting(); }
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select.
  internal::channel_core<T>& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_end(call, where);
    return *core_;
  }

 private:
  internal::channel_core<T>& many(const char* call, std::size_t most, site where) const {
    if (most == 0) internal::throw_none_wanted(call, where);
    return core(call, where);
  }

  internal::receiver_ref<internal::channel_core<T>> core_;
};

}  // namespace weir
