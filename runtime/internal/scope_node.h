// The tree of scopes: who is cancelled with whom, who waits for whom, and where a failure goes.
//
// A node is the root of a runtime, an actor's own, or a with_scope's. An actor's node hangs under the scope it was
// spawned in; a with_scope's node under the innermost scope of the actor that entered it, its host. So the tree is also
// the list of all actors, which dumps walk.
//
// Thread-safety: all of it, under per-node locks taken from the parent to the child. wait_children, leave: the host.
//
// Invariants:
//  1. effective_ of a node implies effective_ of all below it, whenever no lock is held.
//  2. A host's cancel bit (wait_word.h) is set if a node of its chain, up to the root, is cancelled. It is set by the
//     canceller and cleared by the host when it leaves a node, both under the lock of the node that decides.
//  3. A node outlives its children: they unlink themselves under its lock, and its host waits for that.
#pragma once

#include <exception>
#include <vector>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class actor_core;

class scope_node {
 public:
  enum class kind { root, actor, scope };

  // `host` is the actor that the node interrupts; null for the root.
  scope_node(kind k, actor_core* host, site where) noexcept : kind_(k), host_(host), where_(where) {}
  scope_node(const scope_node&) = delete;
  scope_node& operator=(const scope_node&) = delete;

  // Hangs the node under `parent`; a cancelled parent cancels it at once.
  void attach(scope_node& parent) noexcept;
  // host: unlinks a with_scope's node, and forgets a cancel that came from it alone.
  void leave() noexcept;

  // Cancels everything below, and the host. Idempotent.
  void cancel() noexcept;

  // An actor failed: its scope records it and cancels the siblings. Before anything the actor held is destroyed, as a
  // handle that closes a channel must not look like a regular end to them.
  void fail_parent(std::exception_ptr failure) noexcept;
  // An actor's node ends: unlinks it from its parent. `cancelled_by`: null if no cancel ended it.
  void end_child(const scope_node* cancelled_by) noexcept;
  // host: the body of the scope failed; the same bookkeeping as for a child.
  void fail(std::exception_ptr failure) noexcept;

  // host: parks until no child is left. A cancel does not end this wait: it has reached the children too.
  void wait_children();

  // The outermost cancelled node from here up; null if none.
  const scope_node* outermost_cancelled() const noexcept;
  // `other` is this node or below it.
  bool encloses(const scope_node* other) const noexcept;

  // host, after wait_children(): what the children left behind.
  std::exception_ptr first_failure() const noexcept { return first_failure_; }
  const std::vector<std::exception_ptr>& other_failures() const noexcept { return other_failures_; }
  const scope_node* ended_by_outer() const noexcept { return ended_by_outer_; }

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
  void spread_locked() noexcept;                          // REQUIRES: lock_ held, effective_ set just now
  void fail_locked(std::exception_ptr failure) noexcept;  // REQUIRES: lock_ held
  void unlink_locked(scope_node& child) noexcept;         // REQUIRES: lock_ held

  // Immutable after attach().
  const kind kind_;
  actor_core* const host_;
  const site where_;
  scope_node* parent_ = nullptr;

  small_lock lock_;
  atomic<bool> cancelled_{false};  // own cancel. Written under lock_; read without it by descendants that look for a
                                   // reason: relaxed there, as their cancel bit, set after it, ordered it
  // Guarded by lock_.
  bool effective_ = false;  // this node or one above it is cancelled
  scope_node* first_child_ = nullptr;
  std::size_t child_count_ = 0;
  wait_list drained_;  // the host, waiting for the last child
  std::exception_ptr first_failure_;
  std::vector<std::exception_ptr> other_failures_;
  const scope_node* ended_by_outer_ = nullptr;  // a child was ended by this outer scope's cancel

  // Guarded by the parent's lock_.
  scope_node* prev_ = nullptr;
  scope_node* next_ = nullptr;
};

}  // namespace weir::internal
