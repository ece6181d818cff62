// The part of a channel that does not depend on the type of its values: the lock, the waiters, close, the counts.
//
// Thread-safety: all of it; functions that end in _locked under lock_.
//
// Invariants (under lock_):
//  1. A live receiver waits only if the buffer is empty and no live sender waits, and the channel is open.
//  2. A live sender or reserver waits only if the buffer has no room for it (or the next cell is still being vacated,
//     and then the one who vacates it looks for senders), no live receiver waits, and the channel is open. With a
//     bound by weight it may also wait for those before it.
//  3. closed_ never becomes false again; from then on nobody waits and nothing is put into the buffer.
//  4. "Live" means: not claimed. A dead node may stand in a list until somebody meets it.
//  5. A permit is a slot that was promised: reserved_ counts them, and room is what is left beside them. A reserver
//     waits for a slot, has no value yet, and so no receiver can take it from there: it stands in a list of its own.
//     Who of senders_ and reservers_ came first, their tickets say.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "weir/channels/internal/blocked_time.h"
#include "weir/channels/internal/wait_chain.h"
#include "weir/channels/statistics.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/biased_lock.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

// What a waiting sender offers; a reserver's has no value.
struct offer {
  void* value = nullptr;  // the T to move from
  std::size_t weight = 0;
  std::uint64_t ticket = 0;  // senders and reservers that came later have a greater one
};

// How a channel is bound.
struct channel_shape {
  std::size_t capacity = 0;
  bool unbounded = false;
  bool timed = false;  // blocked times are counted from the start
};

// The call that waits. Made where it waits, on its stack.
struct waiting_call {
  const char* verb;
  site where;
};

class channel_base {
 public:
  channel_base(const channel_base&) = delete;
  channel_base& operator=(const channel_base&) = delete;

  // Closes: nothing more can be sent; what is buffered can be received; whoever waits is woken. Idempotent: the first
  // one counts, with its cause.
  void close(std::exception_ptr cause = nullptr) noexcept;
  // What it was closed with; null if it is open or was closed without.
  std::exception_ptr cause() noexcept;
  // For select: registers until it is closed.
  enrolled enroll_closed(wait_node& node) noexcept;
  void withdraw_closed(wait_node& node) noexcept { withdraw(watchers_, node); }
  bool is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

  void add_sender() noexcept { senders_alive_.fetch_add(1, std::memory_order_relaxed); }
  void add_receiver() noexcept { receivers_alive_.fetch_add(1, std::memory_order_relaxed); }
  // The last sender closes; the last receiver closes and destroys what is buffered; the last of both frees the channel.
  void drop_sender() noexcept;
  void drop_receiver() noexcept;
  // A sender that goes because of `cause`: whoever closes later without a cause closes with this one.
  void drop_sender(std::exception_ptr cause) noexcept;
  // Unless it is the last one: then false, and it is still there.
  bool drop_receiver_but_last() noexcept;

  // A weak sender keeps the channel's memory, not the channel open. REQUIRES for add: a handle of any kind is held.
  void add_weak() noexcept { sides_alive_.fetch_add(1, std::memory_order_relaxed); }
  void drop_weak() noexcept { drop_side(); }
  // One more sender, unless the last one has gone.
  bool add_sender_if_any() noexcept;

  std::size_t senders_waiting() noexcept;
  std::size_t receivers_waiting() noexcept;
  std::size_t length() noexcept;
  std::size_t capacity() noexcept;  // no_bound: unbounded
  channel_statistics statistics() noexcept;

  // `channel "jobs" 0/16 empty`, for dumps. Not under the lock.
  std::string describe();
  // What a wait to send, to reserve, or to receive, waits for. Not under the lock.
  wait_target awaited(wait_target::kind what);

 protected:
  channel_base(const channel_shape& shape, std::string_view name, site where)
      : unbounded_(shape.unbounded), capacity_(shape.capacity), where_(where), timed_(shape.timed), name_(name) {}
  virtual ~channel_base() = default;

  enum class wait_end : std::uint8_t { handed, closed, timeout, cancelled };
  // Parks in `list` until a peer, close, the limit or a cancel ends it. `held` is lock_'s; it is free afterwards.
  wait_end wait_locked(lock_key held, wait_list& list, void* slot, const waiting_call& call, deadline limit);

  // In a child of the process that made the channel nobody would end a wait: says so, and aborts.
  void refuse_forked(const char* verb) noexcept {
    if (mark_.foreign()) abort_forked_wait(verb);
  }

  // `who` parks in `list`.
  void note_locked(const wait_list& list, const parker& who) noexcept {
    (&list == &receivers_ ? last_receiver_ : last_sender_) = {&who, who.id()};
  }

  // Unlinks a node whose wait did not end by its own source.
  void withdraw(wait_list& list, wait_node& node) noexcept;

  // Counts operations. True at every 128th: its actor gives way to others, as one that never has to wait would keep
  // its worker for ever. Counted in the channel, where it costs nothing, not in the worker. Sends and receives
  // together: counted apart, the budget of a sender that fills the buffer would always end with the buffer full.
  bool spend_locked() noexcept { return (++operations_ & 127) == 0; }
  bool spend_locked(std::size_t n) noexcept {
    const std::size_t before = operations_;
    operations_ += n;
    return (before ^ operations_) > 127;
  }

  // Somebody waits for room. One test for both, as each receive makes it.
  bool anybody_waits_for_room() const noexcept {
    return (reinterpret_cast<std::uintptr_t>(senders_.front()) |
            reinterpret_cast<std::uintptr_t>(reservers_.front())) != 0;
  }
  // Where the one stands who waits for room longest; null if nobody does.
  wait_list* first_in_line() noexcept;
  static offer& offer_of(const wait_node& n) noexcept { return *static_cast<offer*>(n.slot); }

  virtual void discard() noexcept = 0;  // destroys the buffer; nobody uses it any more
  virtual std::size_t length_locked() const noexcept = 0;
  virtual std::uint64_t taken_locked() const noexcept = 0;  // values that receivers got out of the buffer

  biased_lock lock_;
  // Written under lock_; a select reads it without, as a hint (slot_ring.h says more). True stays true.
  std::atomic<bool> closed_{false};
  const bool unbounded_;
  std::size_t capacity_;  // guarded by lock_, as are:
  std::size_t reserved_ = 0;
  std::size_t operations_ = 0;
  std::uint64_t handed_ = 0;  // values that went from hand to hand, past the buffer
  std::uint64_t tickets_ = 0;
  wait_list senders_;    // slot: offer
  wait_list receivers_;  // slot: the std::optional<T> to fill
  wait_list reservers_;  // slot: offer
  wait_list watchers_;   // of its being closed; no slot

 private:
  // Who was the last to park, in a select too; to be compared only.
  struct user {
    const parker* who = nullptr;
    std::uint64_t id = 0;
  };

  std::string label() const;
  void drop_side() noexcept;
  [[noreturn]] void abort_forked_wait(const char* verb) noexcept;

  blocked_time& blocked(const wait_list& list) noexcept {
    return &list == &receivers_ ? receivers_blocked_ : senders_blocked_;
  }

  const site where_;
  const process_mark mark_;
  bool timed_;  // guarded by lock_, as are:
  blocked_time senders_blocked_, receivers_blocked_;
  std::exception_ptr cause_;  // while it is open: what a sender has gone with
  user last_sender_, last_receiver_;
  const std::string name_;
  // Handles. Relaxed up: who copies a handle holds one. Acquire-release down: the last one sees what the others did.
  atomic<std::size_t> senders_alive_{1};
  atomic<std::size_t> receivers_alive_{1};
  atomic<std::size_t> sides_alive_{2};  // senders, receivers, and each weak sender
};

// Capacities are 0 (rendezvous) to 16 777 216. Throws misuse.
std::size_t checked_capacity(const char* call, long long capacity, std::string_view name, site where);
// Of a channel that has `now`: 1 to 16 777 216, and neither a rendezvous nor unbounded. Throws misuse.
std::size_t checked_resize(std::size_t now, long long capacity, site where);
// A bound by weight needs a buffer, a function and a weight that is not 0. Throws misuse.
void check_weight(std::size_t capacity, bool has_function, std::size_t most, site where);
[[noreturn]] void throw_empty_end(const char* call, site where);
[[noreturn]] void throw_no_slots(const char* call, bool weighed, site where);
[[noreturn]] void throw_none_wanted(const char* call, site where);

}  // namespace weir::internal
