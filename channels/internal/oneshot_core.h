// A oneshot of T: one value, once, from one sender to one receiver.
//
// Thread-safety: all of it; functions that end in _locked under lock_. The two ends count themselves under the lock,
// in the same section that sends or closes, so that a send and the end of its sender are one step.
//
// Invariants (under lock_):
//  1. open -> sent -> taken, open -> taken (hand-over to a waiter), open -> closed. Nothing leaves taken or closed.
//  2. A live receiver waits only while open. Somebody waits for the receiver's end only while open.
//  3. cell_ holds an object exactly while `sent`, and after that until the one who made it `taken` has destroyed the
//     shell, outside the lock. The sender's end is gone by then.
//  4. The end that finds the other one gone frees all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/channels/internal/source_base.h"
#include "weir/channels/status.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::internal {

template <class T>
class oneshot_core final : public source_base {
 public:
  explicit oneshot_core(site where) noexcept : source_base(where) {}

  // Moves `value` out only if it is sent. The sender's end is gone afterwards, sent or not. Never parks.
  bool send(T& value) noexcept {
    wait_node* receiver = nullptr;
    wait_node* rest = nullptr;
    lock_.lock();
    const bool sent = state_ == state::open;
    if (sent) {
      receiver = receivers_.claim_first();
      if (receiver) {
        static_cast<std::optional<T>*>(receiver->slot)->emplace(std::move(value));
        state_ = state::taken;
        rest = close_locked(receivers_);  // of several that wait on one receiver, one gets the value
      } else {
        ::new (static_cast<void*>(cell_)) T(std::move(value));
        state_ = state::sent;
      }
    }
    sender_alive_ = false;
    const bool last = !receiver_alive_;
    lock_.unlock();
    if (receiver) receiver->owner->wake();
    wake_all(rest);
    if (last) delete this;
    return sent;
  }

  void drop_sender() noexcept {
    lock_.lock();
    wait_node* const woken = shut_locked(receivers_);
    sender_alive_ = false;
    const bool last = !receiver_alive_;
    lock_.unlock();
    wake_all(woken);
    if (last) delete this;
  }

  // Nothing can be sent any more. What was sent can still be received. Idempotent.
  void close() noexcept {
    lock_.lock();
    const bool was_open = state_ == state::open;
    wait_node* const receivers = shut_locked(receivers_);
    wait_node* const watchers = was_open ? close_locked(watchers_) : nullptr;
    lock_.unlock();
    wake_all(receivers);
    wake_all(watchers);
  }

  // The value, if there is one, is destroyed at once.
  void drop_receiver() noexcept {
    lock_.lock();
    const bool was_open = state_ == state::open;
    const bool unread = state_ == state::sent;
    if (unread) state_ = state::taken;
    wait_node* const receivers = shut_locked(receivers_);
    wait_node* const watchers = was_open ? close_locked(watchers_) : nullptr;
    receiver_alive_ = false;
    const bool last = !sender_alive_;
    lock_.unlock();
    wake_all(receivers);
    wake_all(watchers);
    if (unread) held().~T();  // then the sender's end is gone: invariant 3
    if (last) delete this;
  }

  recv_status try_recv(std::optional<T>& out) {
    lock_.lock();
    const bool tired = spend_locked();
    const recv_status s = take_locked(out);
    lock_.unlock();
    settle(s);
    if (tired) give_way();
    return s;
  }

  recv_status recv(std::optional<T>& out, deadline limit, site where) {
    lock_.lock();
    const bool tired = spend_locked();
    const recv_status s = take_locked(out);
    if (s != recv_status::empty) {
      lock_.unlock();
      settle(s);
      if (tired) give_way();
      if (s == recv_status::closed) closed_or_cancelled("recv");
      return s;
    }
    switch (wait_locked(receivers_, &out, "recv", limit, where)) {
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

  // For the sender: nobody will ever receive.
  bool closed() noexcept {
    lock_.lock();
    const bool tired = spend_locked();
    const bool closed = state_ == state::closed;
    lock_.unlock();
    if (tired) give_way();
    return closed;
  }
  // True once closed; false: `limit` came.
  bool wait_closed(deadline limit, site where) {
    lock_.lock();
    const bool tired = spend_locked();
    wait_end how = wait_end::closed;
    if (state_ == state::closed) {
      lock_.unlock();
      if (tired) give_way();
    } else {
      how = wait_locked(watchers_, nullptr, "wait", limit, where);
    }
    if (how == wait_end::timeout) return false;
    how == wait_end::cancelled ? meet_cancel("wait") : closed_or_cancelled("wait");
    return true;
  }

  // For select.
  using enrolled = select_case::enrolled;
  enrolled enroll_recv(std::optional<T>& out, wait_node& node, bool& closed) {
    lock_.lock();
    recv_status s = recv_status::empty;
    enrolled e = enrolled::waiting;
    if (state_ == state::open) {
      refuse_forked("select");
      node.slot = &out;
      receivers_.push_back(node);
    } else {
      e = node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
      if (e == enrolled::done) s = take_locked(out);
      closed = s == recv_status::closed;
    }
    lock_.unlock();
    settle(s);
    return e;
  }
  enrolled enroll_closed(wait_node& node, bool& closed) {
    lock_.lock();
    enrolled e = enrolled::waiting;
    if (state_ == state::closed) {
      closed = true;
      e = node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
    } else {
      refuse_forked("select");
      watchers_.push_back(node);
    }
    lock_.unlock();
    return e;
  }
  void withdraw_recv(wait_node& node) noexcept { withdraw(receivers_, node); }
  void withdraw_closed(wait_node& node) noexcept { withdraw(watchers_, node); }

  // Who waits on each side now.
  std::size_t receivers_waiting() noexcept { return waiting_in(receivers_); }
  std::size_t senders_waiting() noexcept { return waiting_in(watchers_); }

  std::string describe() override {
    lock_.lock();
    const state s = state_;
    lock_.unlock();
    return place("oneshot") + (s == state::open    ? " empty"
                               : s == state::sent  ? " sent"
                               : s == state::taken ? " taken"
                                                   : " closed");
  }

 private:
  enum class state : std::uint8_t { open, sent, taken, closed };

  ~oneshot_core() override = default;
  T& held() noexcept { return *std::launder(reinterpret_cast<T*>(cell_)); }

  wait_node* shut_locked(wait_list& list) noexcept {
    if (state_ == state::open) state_ = state::closed;
    return close_locked(list);
  }
  recv_status take_locked(std::optional<T>& out) noexcept {
    if (state_ == state::open) return recv_status::empty;
    if (state_ != state::sent) return recv_status::closed;
    out.emplace(std::move(held()));
    state_ = state::taken;
    return recv_status::ok;
  }
  // Not under the lock: after take_locked(), its shell.
  void settle(recv_status taken) noexcept {
    if (taken == recv_status::ok) held().~T();
  }

  // Guarded by lock_:
  state state_ = state::open;
  bool sender_alive_ = true;
  bool receiver_alive_ = true;
  wait_list receivers_;  // slot: the std::optional<T> to fill
  wait_list watchers_;   // senders that wait for the receiver's end
  alignas(T) std::byte cell_[sizeof(T)];
};

}  // namespace weir::internal
