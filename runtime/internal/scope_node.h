// The tree of scopes: who is cancelled with whom, who waits for whom, and where a failure goes.
//
// A node is the root of a runtime, an actor's own, or a with_scope's. An actor's node hangs under the scope it was
// spawned in; a with_scope's node under the innermost scope of the actor that entered it, its host. So the tree is also
// the list of all actors, which dumps walk.
//
// A shield's node stands between an actor and a cancel from above (shielded.h): until its grace is over nothing passes
// it.
//
// Thread-safety: all of it, under per-node locks taken from the parent to the child. attach, leave, cancel_of: the
// host.
//
// Invariants:
//  1. effective_ of a node implies effective_ of all below it but for shields that hold, whenever no lock is held.
//  2. A host's cancel bit (wait_word.h) is set exactly if its innermost node is effective_. It changes under the lock
//     of that node; when the host enters or leaves a node, under the lock of the node above.
//  3. A node outlives its children: they unlink themselves under its lock, and its host waits for that.
#pragma once

#include <cstddef>
#include <exception>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

class actor_core;

class scope_node {
 public:
  enum class kind { root, actor, scope, shield };

  // `host` is the actor that the node interrupts; null for the root.
  scope_node(kind k, actor_core* host, site where) noexcept : kind_(k), host_(host), where_(where) {}
  // A shield, which holds until open(), or, with `holds` false, is open from the start.
  scope_node(actor_core* host, bool holds, site where) noexcept
      : kind_(kind::shield), host_(host), where_(where), passes_(!holds) {}
  scope_node(const scope_node&) = delete;
  scope_node& operator=(const scope_node&) = delete;

  // Hangs the node under `parent`; a cancelled parent cancels it at once, unless it is a shield.
  void attach(scope_node& parent) noexcept;
  // host: unlinks the node of a with_scope or a shield; from here on the cancel bit says what is true above it.
  void leave() noexcept;

  // Cancels everything below, and the host. Idempotent.
  void cancel() noexcept;
  // A shield's grace is over: what is cancelled above is cancelled below too.
  void open() noexcept;

  // An actor failed: its scope records it and cancels the siblings. Before anything the actor held is destroyed, as a
  // handle that closes a channel must not look like a regular end to them.
  void fail_parent(std::exception_ptr failure) noexcept;
  // An actor's node ends: unlinks it from its parent. `cancelled_by`: null if no cancel ended it.
  void end_child(const scope_node* cancelled_by) noexcept;

  // What `host`, which stands at this node, has to throw: the outermost cancelled node that is not behind a shield.
  // Null if there is none. A shield of its own hides what is above for good: when its grace is over the host does not
  // throw, but acts as in unwinding.
  const scope_node* cancel_of(const actor_core& host) const noexcept;
  // `other` is this node or below it.
  bool encloses(const scope_node* other) const noexcept;

  bool is_cancelled() noexcept;
  std::size_t children() noexcept;
  scope_node* parent() const noexcept { return parent_; }
  actor_core* host() const noexcept { return host_; }
  kind type() const noexcept { return kind_; }
  site where() const noexcept { return where_; }

  // Calls visit(node) for every node below this one, parents first, under the locks of all nodes above it. Must not
  // throw.
  template <class Visit>
  void visit_below(Visit&& visit) noexcept {
    lock_.lock();
    walk_locked([&](scope_node& n) {
      visit(n);
      return true;
    });
    lock_.unlock();
  }

 private:
  // Walks the tree below this node, which is locked, without recursion: enter(child), under its lock and those above,
  // says whether to go down into it.
  template <class Enter>
  void walk_locked(Enter&& enter) noexcept {
    scope_node* at = this;
    scope_node* child = first_child_;
    for (;;) {
      while (child == nullptr) {
        if (at == this) return;
        child = at->next_;
        scope_node* const up = at->parent_;
        at->lock_.unlock();
        at = up;
      }
      child->lock_.lock();
      if (enter(*child)) {
        at = child;
        child = at->first_child_;
      } else {
        scope_node* const sibling = child->next_;
        child->lock_.unlock();
        child = sibling;
      }
    }
  }
  void spread_locked() noexcept;                   // REQUIRES: lock_ held, effective_ set just now
  void interrupt_host() noexcept;                  // REQUIRES: lock_ held
  void unlink_locked(scope_node& child) noexcept;  // REQUIRES: lock_ held

  // Immutable after attach().
  const kind kind_;
  actor_core* const host_;
  const site where_;
  scope_node* parent_ = nullptr;

 protected:
  // Cancels this node, whose lock is held. False: it was cancelled already.
  bool cancel_locked() noexcept;
  bool childless_locked() const noexcept { return first_child_ == nullptr; }

  small_lock lock_;

 private:
  // Written under lock_, read without it by descendants that look for a reason. Release and acquire, although the
  // cancel bit, set afterwards, orders them for whoever saw it: an operation that found its channel closed looks
  // without it.
  atomic<bool> cancelled_{false};  // own cancel
  atomic<bool> passes_{true};      // false: a shield that holds

  // Guarded by lock_.
  bool effective_ = false;      // this node, or one above it that is not behind a shield, is cancelled
  bool host_is_below_ = false;  // the host stands at a node below this one: that node interrupts it
  scope_node* first_child_ = nullptr;
  std::size_t child_count_ = 0;

  // Guarded by the parent's lock_.
  scope_node* prev_ = nullptr;
  scope_node* next_ = nullptr;
};

}  // namespace weir::internal
