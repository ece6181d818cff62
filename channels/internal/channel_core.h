// A channel of T: what happens under the lock when a sender and a receiver meet, and what it has to wait for.
//
// Thread-safety: all of it; functions that end in _locked under lock_. Under the lock runs no user code but T's nothrow
// move, and nobody is woken: a function that has claimed a peer gives back its node, and the caller wakes it after
// unlock.
//
// Invariants: channel_base.h. Order: first in, first out, for values and for waiters. A value that arrives while a
// receiver waits goes into that receiver's hands, past the (empty) buffer; nobody barges in.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "weir/channels/internal/channel_base.h"
#include "weir/channels/internal/select_case.h"
#include "weir/channels/internal/slot_ring.h"
#include "weir/channels/internal/weight_bound.h"
#include "weir/channels/status.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::internal {

template <class T>
class channel_core final : public channel_base {
 public:
  using weigh_function = std::size_t(const T&) noexcept;

  channel_core(const channel_shape& shape, std::string_view name, site where)
      : channel_base(shape, name, where), ring_(shape.capacity) {}
  // Before its first use: bound by weight too. With the limit at 0, each send into the buffer comes to send_rarely().
  void bound_by_weight(weigh_function* weigh, std::size_t most) {
    weights_ = std::make_unique<weight_bound>(most, capacity_);
    weigh_ = weigh;
    ring_.set_limit(0);
  }

  enum class step : bool { would_wait, done };
  // What a step leaves to be done after unlock.
  struct aftermath {
    wait_node* woken = nullptr;  // a chain through `next`
    typename slot_ring<T>::shell shell;
    bool closed = false;    // done, because the channel is closed
    bool give_way = false;  // the budget is spent
  };

  // Moves `value` out only if it is sent. The try_ calls are no cancellation points: they report what they see. These
  // four are defined in channel_calls.h.
  send_status try_send(T& value);
  send_status send(T& value, deadline limit, site where);
  recv_status try_recv(std::optional<T>& out);
  recv_status recv(std::optional<T>& out, deadline limit, site where);

  // Never parks for room: if there is none, the oldest value goes out into `displaced` and makes some. For a channel
  // whose senders all come this way, with neither a bound by weight nor permits. REQUIRES: capacity > 0. Defined in
  // channel_calls.h.
  send_status displace(T& value, std::optional<T>& displaced);

  // All of them, in order, as send() would one by one; `sent` says how many went, however it ends. Defined, as are
  // recv_many and take_many, in channel_many.h.
  send_status send_many(std::span<T> values, deadline limit, std::size_t& sent, site where);
  // What is there, up to `most`, to the end of `out`; waits for the first one only.
  recv_status recv_many(std::vector<T>& out, std::size_t most, deadline limit, std::size_t& count, site where);

  // Permits; defined, as is resize, in channel_slots.h. A slot is promised; then either of the others is called once.
  send_status reserve(deadline limit, site where);
  send_status try_reserve();
  bool send_promised(T& value);
  void give_back_promise() noexcept;
  void resize(std::size_t capacity);

  // Without the lock: whether a try may be worth its while. All shows in the length, except where the limit is 0, which
  // has no length below it: in a rendezvous, with a bound by weight, and while all slots are promised, when senders
  // wait in front of an empty buffer. They also do for as long as a shell is in their way, which is not for long.
  bool may_send() const noexcept {
    const std::size_t limit = ring_.limit();
    return ring_.length() < limit || limit == 0 || unbounded_ || is_closed();
  }
  bool may_recv() const noexcept { return ring_.length() != 0 || ring_.limit() == 0 || is_closed(); }

  // For select (select_case.h); defined in channel_enroll.h.
  using enrolled = select_case::enrolled;
  enrolled enroll_send(offer& o, wait_node& node, bool& closed);
  enrolled enroll_recv(std::optional<T>& out, wait_node& node, bool& closed);
  void withdraw_send(wait_node& node) noexcept {
    withdraw(senders_, node);
    if (weights_) serve_line();
  }
  void withdraw_recv(wait_node& node) noexcept { withdraw(receivers_, node); }

  bool weighed() const noexcept { return weights_ != nullptr; }

 private:
  static std::optional<T>& target(wait_node& receiver) noexcept {
    return *static_cast<std::optional<T>*>(receiver.slot);
  }
  static T& source(const wait_node& sender) noexcept { return *static_cast<T*>(offer_of(sender).value); }

  step send_locked(T& value, aftermath& after) noexcept {
    after.give_way |= spend_locked();  // send_rarely() tries again
    if (is_closed()) {
      after.closed = true;
      return step::done;
    }
    if (planted(bug::claim_after_move) && !receivers_.empty()) target(*receivers_.front()).emplace(std::move(value));
    if (wait_node* const receiver = receivers_.claim_first()) {
      if (!planted(bug::claim_after_move)) target(*receiver).emplace(std::move(value));
      ++handed_;
      receiver->next = nullptr;
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
      if (anybody_waits_for_room()) after.woken = refill_locked();
      return step::done;
    }
    if (wait_node* const sender = senders_.claim_first()) {
      out.emplace(std::move(source(*sender)));
      ++handed_;
      sender->next = nullptr;
      after.woken = sender;
      return step::done;
    }
    after.closed = is_closed();
    return after.closed ? step::done : step::would_wait;
  }

  // After one value was taken: a chain of those who got room.
  wait_node* refill_locked() noexcept {
    // With a bound by weight there is never room().
    if (!reservers_.empty() || !ring_.room()) return refill_rarely_locked();
    wait_node* const sender = senders_.claim_first();
    if (sender) {
      ring_.push(std::move(source(*sender)));
      sender->next = nullptr;
    }
    return sender;
  }
  // Not under the lock.
  void settle(const aftermath& after) noexcept {
    if (after.woken) wake_all(after.woken);
    if (after.shell) retire(after.shell);
  }
  void retire(typename slot_ring<T>::shell shell) noexcept {
    if (!ring_.retire(shell)) serve_turned_away(shell);
  }
  // Who waits for room, and gets it; defined in channel_line.h.
  bool fits_locked(const offer& o) noexcept;
  void push_locked(const offer& o) noexcept;
  void set_limit_locked() noexcept;
  wait_node* admit_locked() noexcept;
  wait_chain admit_all_locked() noexcept;
  [[gnu::noinline]] wait_node* refill_rarely_locked() noexcept;
  void serve_line() noexcept;
  void serve_turned_away(typename slot_ring<T>::shell shell) noexcept;

  // What follows is defined in channel_slots.h.
  // `would_wait` is not the last word: the channel is unbounded or weighs.
  bool rare() const noexcept { return unbounded_ || weights_ != nullptr; }
  // Then this is. `key` is let go and taken again.
  [[gnu::noinline]] step send_rarely(lock_key& key, offer& o, aftermath& after);
  // There is no room. `key` is let go.
  [[gnu::noinline]] send_status send_slowly(lock_key key, T& value, deadline limit, site where);
  // There is no value. `key` is let go.
  [[gnu::noinline]] recv_status recv_slowly(lock_key key, std::optional<T>& out, deadline limit, site where);
  // ok, closed or full. `key` may be let go and taken again.
  send_status reserve_locked(lock_key& key);
  wait_end wait_for_room(lock_key key, wait_list& list, offer& o, const waiting_call& call, deadline limit);
  // Not under the lock: makes the buffer hold `values` at least, and gives room to those who wait for it.
  [[gnu::noinline]] void grow(std::size_t values);

  send_status end_send(const aftermath& after);
  recv_status end_recv(const aftermath& after);

  // Claims the first peer in `peers` together with the node's owner; `peer` is null if none is there and the owner is
  // open.
  enrolled pair_locked(wait_list& peers, wait_node& node, wait_node*& peer) noexcept;

  void discard() noexcept override {
    const lock_key key = lock_.lock();
    const typename slot_ring<T>::contents left = ring_.empty();
    key.unlock();
    ring_.destroy(left);
  }

  std::size_t length_locked() const noexcept override { return ring_.length(); }
  std::uint64_t taken_locked() const noexcept override { return ring_.taken(); }

  // Values that one hold of the lock moves at most.
  static constexpr std::size_t batch = 256;
  struct batch_aftermath {
    wait_chain woken;
    typename slot_ring<T>::shells shells;
    bool give_way = false;
  };
  std::size_t take_many_locked(std::vector<T>& out, std::size_t most, batch_aftermath& after) noexcept;
  void settle(batch_aftermath& after) noexcept;

  slot_ring<T> ring_;                      // guarded by lock_
  std::unique_ptr<weight_bound> weights_;  // null: not bound by weight. What it points to is guarded by lock_
  weigh_function* weigh_ = nullptr;
};

}  // namespace weir::internal
