// A broadcast of T: a ring of the last values, and a place in it for each receiver.
//
// Thread-safety: all of it; functions that end in _locked under lock_. What passes under the lock are references to
// values: a receiver copies its own afterwards, and the last one that holds a value moves it out.
//
// Invariants (under lock_):
//  1. Values are numbered from 0. The ring keeps those from oldest() to end_ - 1, the value n in slot n % capacity.
//  2. A slot's `unseen` is the number of subscriptions that were there when its value was pushed and have not come to
//  it
//     yet; the slot is empty exactly if that is 0. So a value goes when its last receiver takes it, or is overwritten.
//  3. A waiter's subscription has taken all values, and the broadcast is open; but for those that nobody has come to
//     yet, as they are served in batches. Every node that stands in waiters_ when a value is pushed is looked at after
//     that, by the one who pushed or by another.
//  4. blocking_: a value is pushed only into an empty slot. While the next slot is empty no live sender waits.
//  5. closed_ never becomes false again; from then on nothing is pushed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "weir/channels/broadcast_result.h"
#include "weir/channels/internal/select_case.h"
#include "weir/channels/internal/shared_value.h"
#include "weir/channels/internal/source_base.h"
#include "weir/channels/status.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::internal {

// One receiver's place. Guarded by the core's lock.
struct subscription {
  std::uint64_t next = 0;    // the number of the value it takes next
  std::uint64_t missed = 0;  // in all
};

// What one receive brings.
template <class T>
struct broadcast_news {
  explicit broadcast_news(subscription* receiver) noexcept : place(receiver) {}

  subscription* place;
  std::uint64_t missed = 0;
  shared_value<T> value;
};

template <class T>
class broadcast_core final : public source_base {
 public:
  using status = broadcast_status;
  using news = broadcast_news<T>;

  broadcast_core(std::size_t capacity, bool blocking, std::string_view name, site where)
      : source_base(where),
        capacity_(capacity),
        blocking_(blocking),
        name_(name),
        ring_(std::make_unique<slot[]>(capacity)) {}

  enum class patience : bool { none, wait };
  // Moves `value` out only if there is a receiver; `reached`: how many. Waits only if blocking, for the slowest one.
  send_status send(T& value, patience p, deadline limit, std::size_t& reached, site where) {
    typename shared_value<T>::space room;
    shared_value<T> overwritten;  // goes after unlock
    lock_.lock();
    const bool tired = spend_locked();
    send_status s = send_status::ok;
    if (closed_ || subscribed_ == 0) {
      lock_.unlock();
      s = send_status::closed;
    } else if (blocking_ && at(end_).value) {
      if (p == patience::wait) return wait_for_room_locked({&value, &room, 0}, limit, reached, where);
      lock_.unlock();
      s = send_status::full;
    } else {
      reached = push_locked(value, room, overwritten);
      pass_on_and_unlock(waiters_.size());
    }
    if (tired) give_way();
    if (s == send_status::closed && p == patience::wait) closed_or_cancelled("send");
    return s;
  }

  status try_recv(news& out) noexcept {
    lock_.lock();
    const bool tired = spend_locked();
    const status s = take_locked(out);
    pass_on_and_unlock(0);
    if (tired) give_way();
    return s;
  }

  status recv(news& out, deadline limit, site where) {
    lock_.lock();
    const bool tired = spend_locked();
    const status s = take_locked(out);
    if (s != status::empty) {
      pass_on_and_unlock(0);
      if (tired) give_way();
      if (s == status::closed) closed_or_cancelled("recv");
      return s;
    }
    switch (wait_locked(waiters_, &out, "recv", limit, where)) {
      case wait_end::handed:
        return out.value ? status::ok : status::lagged;
      case wait_end::timeout:
        return status::timeout;
      case wait_end::closed:
        closed_or_cancelled("recv");
        return status::closed;
      case wait_end::cancelled:
        break;
    }
    meet_cancel("recv");
    return status::closed;
  }

  // For select; in broadcast_arrival.h.
  using enrolled = select_case::enrolled;
  enrolled enroll(news& out, wait_node& node, bool& closed);
  void withdraw(wait_node& node) noexcept { source_base::withdraw(waiters_, node); }

  // Nothing more can be sent; who has not drained it may. Idempotent.
  void close() noexcept {
    lock_.lock();
    if (closed_) return lock_.unlock();
    closed_ = true;
    wait_node* const senders = close_locked(senders_);
    pass_on_and_unlock(waiters_.size());
    wake_all(senders);
  }

  // Handles.
  void add_sender() noexcept {
    std::lock_guard guard(lock_);
    ++senders_alive_;
  }
  void drop_sender() noexcept {
    lock_.lock();
    const bool last = --senders_alive_ == 0;
    lock_.unlock();
    if (!last) return;
    close();
    let_go();
  }
  // From now on `s` gets every value.
  void subscribe(subscription& s) noexcept {
    std::lock_guard guard(lock_);
    s.next = end_;
    ++subscribed_;
    ++keepers_;
  }
  void unsubscribe(subscription& s) noexcept;

  // For the handles; stale at once.
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t receivers() noexcept { return std::lock_guard(lock_), subscribed_; }
  std::size_t length() noexcept { return std::lock_guard(lock_), kept_; }
  std::size_t length(const subscription& s) noexcept {
    std::lock_guard guard(lock_);
    return static_cast<std::size_t>(end_ - std::max(s.next, oldest()));
  }
  std::uint64_t missed(const subscription& s) noexcept {
    std::lock_guard guard(lock_);
    return s.missed;
  }
  std::size_t receivers_waiting() noexcept { return waiting_in(waiters_); }
  std::size_t senders_waiting() noexcept { return waiting_in(senders_); }

  std::string describe() override {
    lock_.lock();
    const std::size_t kept = kept_, receivers = subscribed_;
    const bool closed = closed_;
    lock_.unlock();
    return place("broadcast", name_) + " " + std::to_string(kept) + "/" + std::to_string(capacity_) + ", " +
           std::to_string(receivers) + " receivers" + (closed ? ", closed" : "");
  }

 private:
  struct slot {
    shared_value<T> value;
    std::size_t unseen = 0;
  };
  // What a sender that waits for room holds ready.
  struct offer {
    T* value;
    typename shared_value<T>::space* room;
    std::size_t reached;
  };
  static constexpr std::size_t batch = explored ? 1 : 32;  // waiters served, or values let go, in one hold of the lock

  ~broadcast_core() override = default;

  slot& at(std::uint64_t number) noexcept { return ring_[number % capacity_]; }
  std::uint64_t oldest() const noexcept { return end_ > capacity_ ? end_ - capacity_ : 0; }

  std::size_t push_locked(T& value, typename shared_value<T>::space& room, shared_value<T>& overwritten) noexcept;
  status take_locked(news& out) noexcept;
  void see_locked(slot& s, shared_value<T>& out) noexcept;
  send_status wait_for_room_locked(offer o, deadline limit, std::size_t& reached, site where);
  void pass_on_and_unlock(std::size_t to_look_at) noexcept;
  void let_go() noexcept;

  const std::size_t capacity_;
  const bool blocking_;
  const std::string name_;
  const std::unique_ptr<slot[]> ring_;  // guarded by lock_, as are:
  std::uint64_t end_ = 0;
  std::size_t kept_ = 0;  // slots that are not empty
  bool closed_ = false;
  std::size_t subscribed_ = 0;
  std::size_t senders_alive_ = 1;
  std::size_t keepers_ = 1;  // the senders together, and each receiver: the last one frees all this
  wait_list waiters_;        // slot: the news to fill
  wait_list senders_;        // slot: an offer
};

// Capacities are 1 to 16 777 216. Throws misuse.
std::size_t checked_broadcast_capacity(long long capacity, std::string_view name, site where);

}  // namespace weir::internal
