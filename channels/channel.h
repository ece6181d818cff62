// Channels: bounded queues between actors, or hand-over without a queue (capacity 0).
//   channel<T>(capacity)              makes one and gives its two ends, sender.h and receiver.h
//   channel<T>({.capacity = ...})     the same with more to say: a bound by weight, for example
//   unbounded<T>()                    one in which a send never waits
//
// Thread-safety: one handle object may be used by many actors and OS threads at once; only assigning, moving from and
// reset() need exclusion. A channel belongs to no runtime: on a plain thread a call that would park blocks the thread.
//
// The channel closes when its last sender goes, when its last receiver goes, or by close() from either side. Receivers
// still get what was buffered; when the last receiver goes it is destroyed. In a cancelled scope a call that would
// report `closed` throws weir::cancelled instead, so that a cancelled producer does not look like a finished one.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "weir/channels/internal/channel_core.h"
#include "weir/channels/permit.h"
#include "weir/channels/receiver.h"
#include "weir/channels/sender.h"
#include "weir/channels/statistics.h"
#include "weir/runtime/base/site.h"

namespace weir {

// `auto [tx, rx] = weir::channel<job>(64);`
template <class T>
struct channel_ends {
  sender<T> tx;
  receiver<T> rx;
};

template <class T>
struct channel_options {
  long long capacity = 0;  // values it buffers, 0 to 16 777 216
  // Bound by weight as well: what is buffered weighs at most `max_weight` together, in units of your own, as
  // `weight(value)` says, which is called once or twice per send, outside the lock. A value that is heavier passes
  // alone, when the buffer is empty. Sends are served in the order they came: a light one does not pass a heavy one.
  std::size_t (*weight)(const T&) noexcept = nullptr;  // a lambda: [](const T& v) noexcept { return ...; }
  std::size_t max_weight = 0;
  bool timed = false;  // count blocked times from the start: channel_statistics
};

namespace internal {

template <class T>
channel_ends<T> make_channel(const channel_shape& shape, const channel_options<T>& options, std::string_view name,
                             site where) {
  static_assert(
      std::is_nothrow_move_constructible_v<T>,
      "weir::channel<T>: T must be nothrow-move-constructible, as a value is moved while its peer is claimed; "
      "send a std::unique_ptr<T> instead");
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "weir::channel<T>: T must be a plain object type");
  auto core = std::make_unique<channel_core<T>>(shape, name, where);
  if (options.weight) core->bound_by_weight(options.weight, options.max_weight);
  channel_core<T>* const made = core.release();
  return {sender<T>(made), receiver<T>(made)};
}

}  // namespace internal

// Makes a channel. `name` appears in dumps. Allocates the whole buffer. Throws misuse, std::bad_alloc.
template <class T>
[[nodiscard]] channel_ends<T> channel(const channel_options<T>& options, std::string_view name = {},
                                      site where = site::current()) {
  const std::size_t capacity = internal::checked_capacity("channel", options.capacity, name, where);
  internal::check_weight(capacity, options.weight != nullptr, options.max_weight, where);
  return internal::make_channel<T>({.capacity = capacity, .timed = options.timed}, options, name, where);
}

// `capacity`: values it buffers, 0 to 16 777 216; with 0 a send waits for its receiver (rendezvous).
template <class T>
[[nodiscard]] channel_ends<T> channel(long long capacity, std::string_view name = {}, site where = site::current()) {
  return channel<T>(channel_options<T>{.capacity = capacity}, name, where);
}

// Makes a channel without a bound: a send never parks, and its memory is the only limit (std::bad_alloc; the value is
// still the caller's then). It grows by doubling, and keeps the memory of its fullest moment. Prefer a bound: it is
// what tells a fast producer about a slow consumer.
template <class T>
[[nodiscard]] channel_ends<T> unbounded(std::string_view name = {}, site where = site::current()) {
  return internal::make_channel<T>({.capacity = 16, .unbounded = true}, channel_options<T>{}, name, where);
}

}  // namespace weir
