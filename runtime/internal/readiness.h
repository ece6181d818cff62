// Whether a descriptor can be read and written, who waits for that, and which operations on it are under way: the
// protocol between the actors that use it, the worker that hears of it from the kernel, and whoever closes it.
//
// An operation in one direction:
//   begin()    it is counted, and is the only one in its direction; or the descriptor is closed
//   look()     takes a ticket: whether the system call may be tried, and how many events there have been
//   (call)     would-block, or less than was asked for: clear(ticket) takes the readiness away, unless an event came
//              after the ticket
//   await()    if it is not ready: looks once more under the lock, links a node, parks; then from look() on again
//   end()      who ends the last operation of a closed descriptor closes it for good
// An event: fire() counts it, makes its direction ready and claims who waits there, in one locked section.
//
// The races, and what decides each:
//  - An event between the call and clear(): the ticket. The kernel queues an edge no later than the moment in which the
//    bytes can be read, so what the call did not see is counted after the ticket was taken.
//  - An event between the look and the park: lock_, which await() holds from its look until the waiter is parked or
//    its wait is open.
//  - Readiness, timeout, cancel and close at once: the claim of the wait word (wait_word.h).
//  - close() against an operation that begins: use_. Either the operation is counted first, and is woken and waited
//    for; or it sees `closed`.
//  - close() against an operation that is about to wait: `closed` is set before close() takes lock_ to claim who waits,
//    and await() looks at it under lock_.
//  - The last operation against the end of the handle, for the memory: use_, where each leaves its mark for the other.
//  - An event of a descriptor that is closed, or whose memory another uses by now: generation_, compared under lock_.
//    The memory itself is never given back (watched.h), so a late event never touches freed memory.
//
// Thread-safety: all of it, but for open() and retire(), which are for whoever has the object alone.
//
// Invariants:
//  1. A direction's word changes under lock_ only: bit 0 says ready, the rest counts events.
//  2. Only clear() takes `ready` away, and only if the word is still its ticket's.
//  3. An event for good (the other side has ended, an error, urgent data) stays known: from then on a short transfer
//     says nothing, as there may be no further edge.
//  4. use_: bit 0 closed, 1 and 2 an operation in the direction, 3 the handle lives, 4 closed for good, from 5 on the
//     count of operations. `closed for good` is set once, by who took the count to zero after `closed`.
#pragma once

#include <array>
#include <cstdint>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

enum class direction : std::uint8_t { read, write };

enum class wait_result : std::uint8_t {
  ready,      // the system call may be tried again; it may block again
  closed,     // no operation may go on
  timeout,    //
  cancelled,  // the caller serves the cancel (interrupt.h)
};

// What an event says; to be combined.
enum happened : std::uint8_t { can_read = 1, can_write = 2, for_good = 4 };

class readiness {
 public:
  class ticket {
   public:
    bool ready() const noexcept { return seen_ & ready_bit; }

   private:
    friend class readiness;
    std::uint32_t seen_ = 0;
  };

  // Alone: from now on it is an open descriptor's; `ready` in both directions, if nothing is known against it.
  void open(bool ready) noexcept;
  // Alone, after the last operation and the handle's end: events of this life are dropped from now on.
  void retire() noexcept;
  std::uint32_t generation() noexcept;

  enum class begun : std::uint8_t {
    yes,
    closed,
    taken,  // by another operation in this direction
  };
  // `shared`: any number may be under way at once.
  begun begin(direction d, bool shared) noexcept { return begin_with(shared ? 0 : bit_of(d)); }
  // An operation in no direction, which never waits.
  begun begin() noexcept { return begin_with(0); }
  // True: closed, and this was the last operation: the caller closes for good, and then says closed_for_good().
  [[nodiscard]] bool end(direction d, bool shared) noexcept { return end_with(shared ? 0 : bit_of(d)); }
  [[nodiscard]] bool end() noexcept { return end_with(0); }

  // Forbids new operations and wakes who waits. False: somebody else did. True: the caller stands for an operation now,
  // and has to end() it.
  bool close() noexcept;
  bool closed() const noexcept { return use_.load(std::memory_order_acquire) & closed_bit; }
  // True: nobody else knows this object any more.
  [[nodiscard]] bool closed_for_good() noexcept;
  // The handle ends, which has closed. True: the same.
  [[nodiscard]] bool drop_handle() noexcept;

  ticket look(direction d) const noexcept {
    ticket t;
    t.seen_ = word(d).load(std::memory_order_acquire);  // pairs with fire()
    return t;
  }
  // The call would have blocked.
  void clear(direction d, ticket t) noexcept { clear(d, t, false); }
  // The call transferred less than asked.
  void clear_unless_for_good(direction d, ticket t) noexcept { clear(d, t, true); }

  // Parks until the direction is ready.
  wait_result await(direction d, const wait_reason& why, deadline limit);
  // The same for a wait with several sources.
  enrolled enroll(direction d, wait_node& node) noexcept;
  void withdraw(direction d, wait_node& node) noexcept;

  // The kernel says so, of the descriptor with this generation.
  void fire(std::uint32_t generation, unsigned what) noexcept;
  // Makes everybody look again, whatever the kernel says.
  void stir() noexcept;
  // All that has happened since open().
  unsigned events() noexcept;

 private:
  static constexpr std::uint32_t ready_bit = 1, one_event = 2;
  static constexpr std::uint32_t closed_bit = 1, handle_bit = 8, for_good_bit = 16, one_operation = 32;

  static constexpr std::uint32_t bit_of(direction d) noexcept { return d == direction::read ? 2 : 4; }
  const atomic<std::uint32_t>& word(direction d) const noexcept { return words_[static_cast<std::size_t>(d)]; }
  atomic<std::uint32_t>& word(direction d) noexcept { return words_[static_cast<std::size_t>(d)]; }
  wait_list& waiting(direction d) noexcept { return waiting_[static_cast<std::size_t>(d)]; }

  begun begin_with(std::uint32_t bit) noexcept;
  bool end_with(std::uint32_t bit) noexcept;
  void clear(direction d, ticket t, bool unless_for_good) noexcept;
  wait_node* raise_locked(direction d) noexcept;
  void end_waits() noexcept;

  small_lock lock_;
  std::uint8_t events_ = 0;       // guarded by lock_: `happened` since open()
  std::uint32_t generation_ = 0;  // guarded by lock_
  // See invariant 4. Written by who begins and ends operations, and by close(). The release of an end pairs with the
  // acquire of the next begin in its direction, and with that of the last end, which closes; that of close() with
  // closed(). The two marks at the end of the memory are acq_rel: who sees the other's has all that it did.
  atomic<std::uint32_t> use_{0};
  // See invariant 1. Read without the lock as tickets: release in fire() and clear() pairs with look().
  std::array<atomic<std::uint32_t>, 2> words_{};
  std::array<wait_list, 2> waiting_;  // guarded by lock_
};

}  // namespace weir::internal
