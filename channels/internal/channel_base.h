// The part of a channel that does not depend on the type of its values: the lock, the waiters, close, the counts.
//
// Thread-safety: all of it; functions that end in _locked under lock_.
//
// Invariants (under lock_):
//  1. A live receiver waits only if the buffer is empty and no live sender waits, and the channel is open.
//  2. A live sender waits only if the buffer is full (or the next cell is still being vacated, and then the one who
//  vacates
//     it looks for senders), no live receiver waits, and the channel is open.
//  3. closed_ never becomes false again; from then on nobody waits and nothing is put into the buffer.
//  4. "Live" means: not claimed. A dead node may stand in a list until somebody meets it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/biased_lock.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class channel_base {
 public:
  channel_base(const channel_base&) = delete;
  channel_base& operator=(const channel_base&) = delete;

  // Closes: nothing more can be sent; what is buffered can be received; whoever waits is woken. Idempotent.
  void close() noexcept;

  void add_sender() noexcept { senders_alive_.fetch_add(1, std::memory_order_relaxed); }
  void add_receiver() noexcept { receivers_alive_.fetch_add(1, std::memory_order_relaxed); }
  // The last sender closes; the last receiver closes and destroys what is buffered; the last of both frees the channel.
  void drop_sender() noexcept;
  void drop_receiver() noexcept;

  std::size_t senders_waiting() noexcept;
  std::size_t receivers_waiting() noexcept;
  virtual std::size_t length() noexcept = 0;
  virtual std::size_t capacity() const noexcept = 0;

  // `channel "jobs" 0/16 empty`, for dumps. Not under the lock.
  std::string describe();
  // What a wait to send, or to receive, waits for. Not under the lock.
  wait_target awaited(wait_target::kind what);

 protected:
  channel_base(std::string_view name, site where) : where_(where), name_(name) {}
  virtual ~channel_base() = default;

  enum class wait_end : std::uint8_t { handed, closed, timeout, cancelled };
  // Parks in `list` until a peer, close, the limit or a cancel ends it. `held` is lock_'s; it is free afterwards.
  wait_end wait_locked(lock_key held, wait_list& list, void* slot, const char* verb, deadline limit);

  // In a child of the process that made the channel nobody would end a wait: says so, and aborts.
  void refuse_forked(const char* verb) noexcept {
    if (mark_.foreign()) abort_forked_wait(verb);
  }

  // Unlinks a node whose wait did not end by its own source.
  void withdraw(wait_list& list, wait_node& node) noexcept;

  // Counts an operation. True at every 128th: its actor gives way to others, as one that never has to wait would keep
  // its worker for ever. Counted in the channel, where it costs nothing, not in the worker.
  bool spend_locked() noexcept { return (++operations_ & 127) == 0; }

  virtual void discard() noexcept = 0;  // destroys the buffer; nobody uses it any more

  biased_lock lock_;
  bool is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }
  // Written under lock_; a select reads it without, as a hint (slot_ring.h says more). True stays true.
  std::atomic<bool> closed_{false};
  unsigned operations_ = 0;  // guarded by lock_, as are:
  wait_list senders_;        // slot: the T to move from
  wait_list receivers_;      // slot: the std::optional<T> to fill

 private:
  // Who was the last to park; to be compared only.
  struct user {
    const parker* who = nullptr;
    std::uint64_t id = 0;
  };

  std::string label() const;
  void drop_side() noexcept;
  [[noreturn]] void abort_forked_wait(const char* verb) noexcept;

  const site where_;
  const process_mark mark_;
  const std::string name_;
  user last_sender_, last_receiver_;  // guarded by lock_
  // Handles. Relaxed up: who copies a handle holds one. Acquire-release down: the last one sees what the others did.
  atomic<std::size_t> senders_alive_{1};
  atomic<std::size_t> receivers_alive_{1};
  atomic<int> sides_alive_{2};
};

// Capacities are 0 (rendezvous) to 16 777 216. Throws misuse.
std::size_t checked_capacity(long long capacity, std::string_view name, site where);
[[noreturn]] void throw_empty_end(const char* call, site where);

}  // namespace weir::internal
