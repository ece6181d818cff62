// A slot in a channel's buffer that was taken before there is a value for it.
//
// Thread-safety: none; one actor or thread uses a permit at a time.
#pragma once

#include <utility>

#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_ref.h"
#include "weir/channels/internal/channel_slots.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"

namespace weir {

// Counts as a sender: it keeps the channel open. Dropped unused, it gives the slot back, to whoever waits longest.
template <class T>
class [[nodiscard]] permit {
 public:
  permit() = default;  // no slot
  // Adopts a slot if `status` is ok. For sender.
  permit(internal::channel_core<T>& core, send_status status) noexcept
      : core_(status == send_status::ok ? &core : nullptr), status_(status) {
    if (core_) core_->add_sender();
  }
  permit(permit&& other) noexcept : core_(std::exchange(other.core_, nullptr)), status_(other.status_) {}
  permit& operator=(permit other) noexcept {
    std::swap(core_, other.core_);
    std::swap(status_, other.status_);
    return *this;
  }
  ~permit() { reset(); }

  // It holds a slot still.
  explicit operator bool() const noexcept { return core_ != nullptr; }
  // How the reserve ended: ok, closed, full (try_reserve), or timeout.
  send_status status() const noexcept { return status_; }

  // Sends, without waiting for room. False once the channel is closed; then the value was not moved from. The permit
  // is used up in any case. No cancellation point, but in a cancelled scope what would be false throws
  // weir::cancelled. Allocates only if a destructor of a received value still runs in the next cell of the buffer.
  bool send(T&& value, site where = site::current()) {
    if (core_ == nullptr)
      internal::throw_misuse("permit::send", "the permit must hold a slot", "one that is empty, used or moved from",
                             "Look at the permit before: if (weir::permit<T> p = tx.reserve()).", where);
    used_up used{&*std::exchange(core_, nullptr)};
    return used.core->send_promised(value);
  }
  bool send(const T& value, site where = site::current()) requires std::is_copy_constructible_v<T> {
    return send(T(value), where);
  }

  // Gives the slot back.
  void reset() noexcept {
    if (core_ == nullptr) return;
    core_->give_back_promise();
    std::exchange(core_, nullptr)->drop_sender();
  }

 private:
  struct used_up {
    internal::channel_core<T>* core;
    ~used_up() { core->drop_sender(); }
  };

  internal::sender_ref<internal::channel_core<T>> core_;
  send_status status_ = send_status::closed;
};

}  // namespace weir
