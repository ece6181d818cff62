#include "weir/channels/internal/channel_base.h"

#include <fmt/core.h>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/parker.h"

namespace weir::internal {
namespace {

class channel_wait final : public wait_reason {
 public:
  channel_wait(const waiting_call& call, wait_target::kind what, channel_base& channel) noexcept
      : call_(call), what_(what), channel_(channel) {}
  const char* verb() const noexcept override { return call_.verb; }
  std::string object() const override { return channel_.describe(); }
  void add_targets(std::vector<wait_target>& out) const override { out.push_back(channel_.awaited(what_)); }
  site where() const noexcept override { return call_.where; }

 private:
  const waiting_call& call_;
  wait_target::kind what_;
  channel_base& channel_;
};

// Claims all of a list for a chain, ended by close.
void claim_closed(wait_list& list, wait_chain& chain) noexcept {
  while (wait_node* const n = list.claim_first()) {
    n->closed = true;
    chain.add(*n);
  }
}

}  // namespace

void channel_base::close(std::exception_ptr cause) noexcept {
  wait_chain woken;
  {
    const biased_lock::guard guard(lock_);
    if (is_closed()) return;
    closed_.store(true, std::memory_order_relaxed);
    if (cause != nullptr) cause_.swap(cause);  // what was there is destroyed with the argument, outside the lock
    claim_closed(senders_, woken);
    claim_closed(reservers_, woken);
    claim_closed(receivers_, woken);
    claim_closed(watchers_, woken);
  }
  woken.wake();
}

std::exception_ptr channel_base::cause() noexcept {
  const biased_lock::guard guard(lock_);
  return is_closed() ? cause_ : nullptr;
}

enrolled channel_base::enroll_closed(wait_node& node) noexcept {
  const biased_lock::guard guard(lock_);
  if (is_closed()) return enroll_ready(node);
  refuse_forked("select");
  watchers_.push_back(node);
  return enrolled::waiting;
}

bool channel_base::add_sender_if_any() noexcept {
  std::size_t alive = senders_alive_.load(std::memory_order_relaxed);
  // Relaxed: the caller holds a handle, and zero never becomes more again.
  while (alive != 0)
    if (senders_alive_.compare_exchange_weak(alive, alive + 1, std::memory_order_relaxed)) return true;
  return false;
}

wait_list* channel_base::first_in_line() noexcept {
  wait_node* const sender = senders_.front();
  wait_node* const reserver = reservers_.front();
  if (sender == nullptr) return reserver ? &reservers_ : nullptr;
  if (reserver == nullptr) return &senders_;
  return offer_of(*sender).ticket < offer_of(*reserver).ticket ? &senders_ : &reservers_;
}

void channel_base::drop_sender() noexcept {
  if (senders_alive_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  close();
  drop_side();
}

void channel_base::drop_sender(std::exception_ptr cause) noexcept {
  {
    const biased_lock::guard guard(lock_);
    if (!is_closed() && cause_ == nullptr) cause_.swap(cause);
  }
  drop_sender();
}

bool channel_base::drop_receiver_but_last() noexcept {
  // Acquire, for the last one: it sees what those did that went before it, as in drop_receiver().
  std::size_t alive = receivers_alive_.load(std::memory_order_acquire);
  while (alive > 1)
    if (receivers_alive_.compare_exchange_weak(alive, alive - 1, std::memory_order_acq_rel)) return true;
  return false;
}

void channel_base::drop_receiver() noexcept {
  if (receivers_alive_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  close();
  discard();
  drop_side();
}

void channel_base::drop_side() noexcept {
  if (sides_alive_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

channel_base::wait_end channel_base::wait_locked(lock_key held, wait_list& list, void* slot, const waiting_call& call,
                                                 deadline limit) {
  refuse_forked(call.verb);
  parker& self = current_parker();
  const bool receives = &list == &receivers_;  // else it waits for room: to send, or to reserve
  const channel_wait why(call, receives ? wait_target::kind::value : wait_target::kind::room, *this);
  wait_node node(self, self.word().next_epoch());
  node.slot = slot;
  note_locked(list, self);
  wake_cause cause;
  const bool timed = timed_;
  time_point since{};
  const auto link = [&] {
    list.push_back(node);
    if (timed) blocked(list).begin(since = now());
  };
  if (limit.is_never()) {
    link();
    cause = self.park_holding(why, held, interruptible::yes);
  } else {
    if (self.begin_wait(interruptible::yes).cancelled) {
      held.unlock();
      return wait_end::cancelled;
    }
    link();
    held.unlock();
    cause = self.park(why, limit);
  }
  if (timed) {
    const time_point until = now();
    const biased_lock::guard guard(lock_);
    blocked(list).end(since, until);
  }
  if (cause == wake_cause::peer) return node.closed ? wait_end::closed : wait_end::handed;
  withdraw(list, node);
  return cause == wake_cause::timeout ? wait_end::timeout : wait_end::cancelled;
}

void channel_base::abort_forked_wait(const char* verb) noexcept {
  abort_forked(verb, fmt::format("a wait on a channel{}{}", name_.empty() ? "" : " named ", name_), where_);
}

void channel_base::withdraw(wait_list& list, wait_node& node) noexcept {
  const biased_lock::guard guard(lock_);
  list.unlink(node);
}

std::size_t channel_base::senders_waiting() noexcept {
  const biased_lock::guard guard(lock_);
  return senders_.size() + reservers_.size();
}

std::size_t channel_base::receivers_waiting() noexcept {
  const biased_lock::guard guard(lock_);
  return receivers_.size();
}

std::size_t channel_base::length() noexcept {
  const biased_lock::guard guard(lock_);
  return length_locked();
}

std::size_t channel_base::capacity() noexcept {
  const biased_lock::guard guard(lock_);
  return unbounded_ ? no_bound : capacity_;
}

channel_statistics channel_base::statistics() noexcept {
  channel_statistics s;
  // Relaxed: stale is fine.
  s.senders = senders_alive_.load(std::memory_order_relaxed);
  s.receivers = receivers_alive_.load(std::memory_order_relaxed);
  const biased_lock::guard guard(lock_);
  const time_point at = now();
  timed_ = true;
  s.length = length_locked();
  s.capacity = unbounded_ ? no_bound : capacity_;
  s.senders_waiting = senders_.size() + reservers_.size();
  s.receivers_waiting = receivers_.size();
  s.passed = taken_locked() + handed_;
  s.last_sender = last_sender_.id;
  s.last_receiver = last_receiver_.id;
  s.senders_blocked = senders_blocked_.total(at);
  s.receivers_blocked = receivers_blocked_.total(at);
  return s;
}

std::string channel_base::label() const {
  return name_.empty() ? fmt::format("{}:{}", where_.base(), where_.line) : name_;
}

wait_target channel_base::awaited(wait_target::kind what) {
  const bool sends = what == wait_target::kind::room;
  user peer;
  {
    const biased_lock::guard guard(lock_);
    peer = sends ? last_receiver_ : last_sender_;
  }
  // Relaxed: for a report.
  const std::size_t handles = (sends ? receivers_alive_ : senders_alive_).load(std::memory_order_relaxed);
  return {what, this, label(), peer.who, peer.id, handles};
}

std::string channel_base::describe() {
  bool closed;
  std::size_t length, capacity;
  {
    const biased_lock::guard guard(lock_);
    closed = is_closed();
    length = length_locked();
    capacity = capacity_;
  }
  const std::string what =
      name_.empty() ? fmt::format("channel {}:{}", where_.base(), where_.line) : fmt::format("channel \"{}\"", name_);
  const char* const end = closed ? " closed" : "";
  if (unbounded_) return fmt::format("{} {}/unbounded{}", what, length, end);
  if (capacity == 0) return fmt::format("{} rendezvous{}", what, end);
  return fmt::format("{} {}/{}{}{}", what, length, capacity,
                     length == 0          ? " empty"
                     : length >= capacity ? " full"
                                          : "",
                     end);
}

}  // namespace weir::internal
