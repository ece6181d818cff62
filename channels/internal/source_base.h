// What oneshot, broadcast and watch share: a lock, the place where they were made, and how one waits in their lists.
//
// Thread-safety: all of it; functions that end in _locked under lock_. Under the lock runs no user code but T's nothrow
// move, and nobody is woken: who has claimed a waiter wakes it after unlock, and touches nothing of it afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class source_base {
 public:
  source_base(const source_base&) = delete;
  source_base& operator=(const source_base&) = delete;

  // `oneshot ask.cc:12 empty`, for dumps. Not under the lock.
  virtual std::string describe() = 0;

 protected:
  explicit source_base(site where) noexcept : where_(where) {}
  virtual ~source_base() = default;

  enum class wait_end : std::uint8_t { handed, closed, timeout, cancelled };
  // Parks in `list` until a peer, close, the limit or a cancel ends it. REQUIRES: lock_ is held; it is free afterwards.
  // Of a wait that a peer ended nothing here is touched any more. The caller has tried before: only now it looks at the
  // clock. `where`: the call that waits, if it is known.
  wait_end wait_locked(wait_list& list, void* slot, const char* verb, deadline limit, site where = {});

  // Claims everybody in `list` as ended by close. The chain is for wake_all(), after unlock.
  static wait_node* close_locked(wait_list& list) noexcept;

  // Unlinks a node whose wait did not end by its own source.
  void withdraw(wait_list& list, wait_node& node) noexcept;
  // How many stand in `list`; stale at once. Not under the lock.
  std::size_t waiting_in(const wait_list& list) noexcept;

  // In a child of the process that made this nobody would end a wait: says so, and aborts.
  void refuse_forked(const char* verb) {
    if (mark_.foreign()) abort_forked_wait(verb);
  }

  // Counts an operation. True at every 128th: its actor gives way to others, as one that never has to wait would keep
  // its worker for ever.
  bool spend_locked() noexcept { return (++operations_ & 127) == 0; }

  // `kind file.cc:12`, or `kind "name"`.
  std::string place(const char* kind, const std::string& name = {}) const;

  small_lock lock_;

 private:
  [[noreturn]] void abort_forked_wait(const char* verb);

  unsigned operations_ = 0;  // guarded by lock_
  const process_mark mark_;
  const site where_;
};

}  // namespace weir::internal
