// A channel of T: what happens under the lock when a sender and a receiver meet, and the blocking calls around it.
//
// Thread-safety: all of it; functions that end in _locked under lock_. Under the lock runs no user code but T's nothrow
// move, and nobody is woken: a function that has claimed a peer gives back its node, and the caller wakes it after
// unlock.
//
// Invariants: channel_base.h. Order: first in, first out, for values and for waiters. A value that arrives while a
// receiver waits goes into that receiver's hands, past the (empty) buffer; nobody barges in.
#pragma once

#include <optional>
#include <utility>

#include "weir/channels/internal/channel_base.h"
#include "weir/channels/internal/select_case.h"
#include "weir/channels/internal/slot_ring.h"
#include "weir/channels/status.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::internal {

template <class T>
class channel_core final : public channel_base {
 public:
  channel_core(std::size_t capacity, std::string_view name, site where) : channel_base(name, where), ring_(capacity) {}

  enum class step : bool { would_wait, done };
  // What a step leaves to be done after unlock.
  struct aftermath {
    wait_node* woken = nullptr;
    typename slot_ring<T>::shell shell;
    bool closed = false;    // done, because the channel is closed
    bool give_way = false;  // the budget is spent
  };

  // Moves `value` out only if it is sent. The try_ calls are no cancellation points: they report what they see.
  send_status try_send(T& value) {
    aftermath after;
    const lock_key key = lock_.lock();
    const step s = send_locked(value, after);
    key.unlock();
    if (s == step::would_wait) return send_status::full;
    settle(after);
    if (after.give_way) give_way();
    return after.closed ? send_status::closed : send_status::ok;
  }

  // Never parks for room: if there is none, the oldest value goes out into `displaced` and makes some. For a channel
  // whose senders all come this way. REQUIRES: capacity > 0.
  send_status displace(T& value, std::optional<T>& displaced) {
    for (spin_wait waiting;; waiting.turn()) {
      aftermath after;
      const lock_key key = lock_.lock();
      step s = send_locked(value, after);
      if (s == step::would_wait && ring_.length() == ring_.capacity() && ring_.vacant()) {
        after.shell = ring_.take(displaced);
        ring_.push(std::move(value));
        s = step::done;
      }
      key.unlock();
      settle(after);
      if (after.give_way || s == step::would_wait) give_way();  // a shell is in the way, and goes in a moment
      if (s == step::done) return after.closed ? send_status::closed : send_status::ok;
    }
  }

  send_status send(T& value, deadline limit) {
    aftermath after;
    const lock_key key = lock_.lock();
    if (send_locked(value, after) == step::done) {
      key.unlock();
      return end_send(after);
    }
    if (limit.expired()) {
      key.unlock();
      return send_status::timeout;
    }
    switch (wait_locked(key, senders_, &value, "send", limit)) {
      case wait_end::handed:
        return send_status::ok;
      case wait_end::timeout:
        return send_status::timeout;
      case wait_end::closed:
        closed_or_cancelled("send");
        return send_status::closed;
      case wait_end::cancelled:
        break;
    }
    meet_cancel("send");
    return send_status::closed;
  }

  recv_status try_recv(std::optional<T>& out) {
    aftermath after;
    const lock_key key = lock_.lock();
    const step s = recv_locked(out, after);
    key.unlock();
    if (s == step::would_wait) return recv_status::empty;
    settle(after);
    if (after.give_way) give_way();
    return after.closed ? recv_status::closed : recv_status::ok;
  }

  recv_status recv(std::optional<T>& out, deadline limit) {
    aftermath after;
    const lock_key key = lock_.lock();
    if (recv_locked(out, after) == step::done) {
      key.unlock();
      return end_recv(after);
    }
    if (limit.expired()) {
      key.unlock();
      return recv_status::timeout;
    }
    switch (wait_locked(key, receivers_, &out, "recv", limit)) {
      case wait_end::handed:
        return recv_status::ok;
      case wait_end::timeout:
        return recv_status::timeout;
      case wait_end::closed:
        closed_or_cancelled("recv");
        return recv_status::closed;
      case wait_end::cancelled:
        break;
    }
    meet_cancel("recv");
    return recv_status::closed;
  }

  // Without the lock: whether a try may be worth its while. A rendezvous is ready by whoever waits, and a sender may
  // wait in front of an empty buffer for as long as a shell is in its way; all else shows in the length.
  bool may_send() const noexcept { return ring_.length() < ring_.capacity() || ring_.capacity() == 0 || is_closed(); }
  bool may_recv() const noexcept { return ring_.length() != 0 || ring_.capacity() == 0 || is_closed(); }

  // For select (select_case.h); defined in channel_enroll.h.
  using enrolled = select_case::enrolled;
  enrolled enroll_send(T& value, wait_node& node, bool& closed);
  enrolled enroll_recv(std::optional<T>& out, wait_node& node, bool& closed);
  void withdraw_send(wait_node& node) noexcept { withdraw(senders_, node); }
  void withdraw_recv(wait_node& node) noexcept { withdraw(receivers_, node); }

  std::size_t length() noexcept override {
    const lock_key key = lock_.lock();
    const std::size_t n = ring_.length();
    key.unlock();
    return n;
  }
  std::size_t capacity() const noexcept override { return ring_.capacity(); }

 private:
  static std::optional<T>& target(wait_node& receiver) noexcept {
    return *static_cast<std::optional<T>*>(receiver.slot);
  }
  static T& source(wait_node& sender) noexcept { return *static_cast<T*>(sender.slot); }

  step send_locked(T& value, aftermath& after) noexcept {
    after.give_way = spend_locked();
    if (is_closed()) {
      after.closed = true;
      return step::done;
    }
    if (planted(bug::claim_after_move) && !receivers_.empty()) target(*receivers_.front()).emplace(std::move(value));
    if (wait_node* const receiver = receivers_.claim_first()) {
      if (!planted(bug::claim_after_move)) target(*receiver).emplace(std::move(value));
      after.woken = receiver;
      return step::done;
    }
    if (!ring_.room()) return step::would_wait;
    ring_.push(std::move(value));
    return step::done;
  }

  step recv_locked(std::optional<T>& out, aftermath& after) noexcept {
    after.give_way = spend_locked();
    if (ring_.length() > 0) {
      after.shell = ring_.take(out);
      after.woken = refill_locked();
      return step::done;
    }
    if (wait_node* const sender = senders_.claim_first()) {
      out.emplace(std::move(source(*sender)));
      after.woken = sender;
      return step::done;
    }
    after.closed = is_closed();
    return after.closed ? step::done : step::would_wait;
  }

  // Moves the value of the longest-waiting sender into the buffer. The sender is claimed; null if there is none or no
  // room.
  wait_node* refill_locked() noexcept {
    if (senders_.empty() || !ring_.room()) return nullptr;
    wait_node* const sender = senders_.claim_first();
    if (sender) ring_.push(std::move(source(*sender)));
    return sender;
  }

  // Not under the lock.
  void settle(const aftermath& after) noexcept {
    if (after.woken) after.woken->owner->wake();
    if (after.shell && !ring_.retire(after.shell)) serve_turned_away(after.shell);
  }
  // A sender found a shell in its way, which is gone now.
  void serve_turned_away(typename slot_ring<T>::shell shell) noexcept {
    lock_key key = lock_.lock();
    ring_.release(shell);
    for (;;) {
      wait_node* const sender = refill_locked();
      key.unlock();
      if (sender == nullptr) return;
      sender->owner->wake();
      key = lock_.lock();
    }
  }

  send_status end_send(const aftermath& after) {
    settle(after);
    if (after.give_way) give_way();
    if (!after.closed) return send_status::ok;
    closed_or_cancelled("send");
    return send_status::closed;
  }
  recv_status end_recv(const aftermath& after) {
    settle(after);
    if (after.give_way) give_way();
    if (!after.closed) return recv_status::ok;
    closed_or_cancelled("recv");
    return recv_status::closed;
  }

  // Claims the first peer in `peers` together with the node's owner; `peer` is null if none is there and the owner is
  // open.
  enrolled pair_locked(wait_list& peers, wait_node& node, wait_node*& peer) noexcept;

  void discard() noexcept override {
    const lock_key key = lock_.lock();
    const typename slot_ring<T>::contents left = ring_.empty();
    key.unlock();
    ring_.destroy(left);
  }

  slot_ring<T> ring_;  // guarded by lock_
};

}  // namespace weir::internal
