// What the primitives of this folder share: the one place where they park, and the lock and budget most of them have.
//
// Thread-safety: as each primitive that is built on it.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

enum class wait_end : std::uint8_t {
  woken,      // a peer completed the wait, and what it gave is the caller's
  timeout,    // nothing was given
  cancelled,  // nothing was given; the caller decides whether to throw
};

struct nobody_known {
  void operator()(std::vector<wait_target>&) const {}
};

// A wait reason whose object is whatever text() says when a dump asks, and whose targets are what targets() adds.
template <class Text, class Targets = nobody_known>
class wait_for final : public wait_reason {
 public:
  wait_for(const char* verb, Text text, Targets targets = {}) noexcept
      : verb_(verb), text_(std::move(text)), targets_(std::move(targets)) {}
  const char* verb() const noexcept override { return verb_; }
  std::string object() const override { return text_(); }
  void add_targets(std::vector<wait_target>& out) const override { targets_(out); }

 private:
  const char* verb_;
  Text text_;
  [[no_unique_address]] Targets targets_;
};

// One that knows the call that waits, too. A class of its own, as what a connection's actor keeps on its stack counts.
template <class Text>
class wait_for_at final : public wait_reason {
 public:
  wait_for_at(const char* verb, site where, Text text) noexcept : verb_(verb), where_(where), text_(std::move(text)) {}
  const char* verb() const noexcept override { return verb_; }
  std::string object() const override { return text_(); }
  site where() const noexcept override { return where_; }

 private:
  const char* verb_;
  const site where_;
  Text text_;
};

// For waits that must not come back empty-handed, because what follows them needs what was waited for: a lock, a
// permit, the end of others. While the caller unwinds they wait on, as join does; otherwise a cancel ends them.
inline interruptible unless_unwinding() noexcept {
  return std::uncaught_exceptions() > 0 ? interruptible::no : interruptible::yes;
}

// Parks in `list` until a peer claims `node`, the limit comes, or a cancel. REQUIRES: `lock` is held; it is free
// afterwards. If the wait was not completed by a peer, leave() runs under the lock, with the node in no list, and takes
// back what the caller had announced; the peers that it claimed are woken.
template <class Lock, class Leave>
wait_end park_in(Lock& lock, wait_list& list, wait_node& node, const wait_reason& why, interruptible i, deadline limit,
                 Leave&& leave) {
  parker& self = current_parker();
  wait_end end = wait_end::timeout;
  if (!limit.expired()) {  // the caller's try came before this look at the clock
    const auto opened = self.begin_wait(i);
    end = wait_end::cancelled;
    if (!opened.cancelled) {
      node.owner = &self;
      node.epoch = opened.epoch;
      list.push_back(node);
      lock.unlock();
      const wake_cause cause = self.park(why, limit);
      if (cause == wake_cause::peer) return wait_end::woken;
      if (cause == wake_cause::timeout) end = wait_end::timeout;
      lock.lock();
      list.unlink(node);
    }
  }
  wait_node* const claimed = leave();
  lock.unlock();
  wake_all(claimed);
  return end;
}

// Counts the operations that could park. Every 128th gives way before it tries, holding nothing yet, as an actor that
// never has to wait would keep its worker for ever.
class operation_budget {
 public:
  void spend() noexcept {
    // Relaxed, and not read-modify-write: a lost count only moves the turn at which somebody gives way.
    const unsigned n = count_.load(std::memory_order_relaxed);
    count_.store(n + 1, std::memory_order_relaxed);
    if ((n & 127) == 127) give_way();
  }

 private:
  atomic<unsigned> count_{0};  // written and read by whoever calls
};

// A primitive that is guarded by a small lock. It has no path around the lock: so whoever has seen its state, by the
// lock, may destroy it, as the last one to change that state touched nothing but the waiters it woke after unlocking.
class sync_base {
 public:
  sync_base(const sync_base&) = delete;
  sync_base& operator=(const sync_base&) = delete;

 protected:
  constexpr explicit sync_base(site where) noexcept : where_(where) {}
  ~sync_base() = default;

  operation_budget budget_;
  small_lock lock_;
  const site where_;  // where it was made, by which reports name it
};

}  // namespace weir::internal
