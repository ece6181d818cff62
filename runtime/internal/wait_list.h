// A FIFO of waiters. The nodes live on the stacks of those who wait; the list belongs to an event source, under its
// lock.
//
// Thread-safety: every function under the lock of the source that owns the list.
//
// Invariants:
//  1. A node is in at most one list, and `linked` says so. Who claims a waiter unlinks the node in the same locked
//     section, so the waiter may leave its stack frame as soon as each of its nodes is unlinked or was seen unlinked
//     under the lock.
//  2. A node whose claim was lost is dead: whoever meets it unlinks it.
//  3. Nobody waits for a tentative owner while being tentative itself, except for one at a higher address. So a circle
//     of selects that all want each other has at least one that backs off.
#pragma once

#include <cstddef>

#include "weir/runtime/internal/parker.h"

namespace weir::internal {

struct wait_node {
  wait_node() = default;
  wait_node(parker& p, wait_word::epoch_type e) noexcept : owner(&p), epoch(e) {}
  wait_node(const wait_node&) = delete;
  wait_node& operator=(const wait_node&) = delete;

  // Immutable while linked.
  parker* owner = nullptr;
  wait_word::epoch_type epoch = 0;
  int index = 0;         // which case of a select
  void* slot = nullptr;  // where the value is or goes

  // Written by the winner of the claim before the wake, read by the owner after it.
  bool closed = false;           // ended by close, not by a hand-over
  wait_node** winner = nullptr;  // a select's place for "this one won"; may be null

  // Guarded by the source's lock.
  wait_node* prev = nullptr;
  wait_node* next = nullptr;
  bool linked = false;
};

class wait_list {
 public:
  bool empty() const noexcept { return head_ == nullptr; }
  wait_node* front() const noexcept { return head_; }

  void push_back(wait_node& n) noexcept {
    n.prev = tail_;
    n.next = nullptr;
    (tail_ ? tail_->next : head_) = &n;
    tail_ = &n;
    n.linked = true;
    ++size_;
  }

  void unlink(wait_node& n) noexcept {
    if (!n.linked) return;
    (n.prev ? n.prev->next : head_) = n.next;
    (n.next ? n.next->prev : tail_) = n.prev;
    n.linked = false;
    --size_;
  }

  // Claims the owner of the first node, and unlinks that node in any case; null if that owner is gone. REQUIRES: not
  // empty. The caller is not registered anywhere.
  wait_node* claim_front() noexcept {
    wait_node& n = *head_;
    claim_result r = n.owner->word().try_claim(n.epoch, wake_cause::peer);
    while (r == claim_result::busy) {  // it decides within a few instructions
      spin_pause();
      r = n.owner->word().try_claim(n.epoch, wake_cause::peer);
    }
    unlink(n);
    return r == claim_result::won ? won(&n) : nullptr;
  }

  // Claims the longest-waiting owner and unlinks its node; null if nobody is left. The caller is not registered
  // anywhere.
  wait_node* claim_first() noexcept {
    while (head_ != nullptr)
      if (wait_node* const n = claim_front()) return n;
    return nullptr;
  }

  enum class pair_result { won, none, self_lost, retry };

  // The same for an owner that is itself registered elsewhere in this wait: claims both or neither.
  //   won: `*peer` and the caller are claimed.    none: no peer here, the caller is open still.
  //   self_lost: somebody claimed the caller.     retry: back off, let the lock go, and come again.
  pair_result claim_first_with(parker& self, wait_node** peer, bool* cancelled) noexcept {
    for (wait_node* n = head_; n != nullptr;) {
      if (n->owner == &self) {  // a select never meets itself
        n = n->next;
        continue;
      }
      if (!self.word().begin_tentative()) return pair_result::self_lost;
      claim_result r = n->owner->word().try_claim(n->epoch, wake_cause::peer);
      while (r == claim_result::busy && n->owner > &self) {  // invariant 3: wait upwards only
        spin_pause();
        r = n->owner->word().try_claim(n->epoch, wake_cause::peer);
      }
      if (r == claim_result::won) {
        self.word().confirm();
        unlink(*n);
        *peer = won(n);
        return pair_result::won;
      }
      *cancelled = self.word().reopen();
      if (r == claim_result::busy) return pair_result::retry;
      wait_node* const next = n->next;
      unlink(*n);
      if (*cancelled) return pair_result::retry;
      n = next;
    }
    return pair_result::none;
  }

  // For close: claims everybody. The answer is a chain through `next`; read it before each wake, then the node is gone.
  wait_node* claim_all() noexcept {
    wait_node* chain = nullptr;
    wait_node** end = &chain;
    while (wait_node* n = claim_first()) {
      n->next = nullptr;
      *end = n;
      end = &n->next;
    }
    return chain;
  }

  // How many wait, dead nodes included.
  std::size_t size() const noexcept { return size_; }

 private:
  static wait_node* won(wait_node* n) noexcept {
    if (n->winner) *n->winner = n;
    return n;
  }

  wait_node* head_ = nullptr;
  wait_node* tail_ = nullptr;
  std::size_t size_ = 0;
};

// Wakes every owner of a chain from claim_all(). Not under the lock.
inline void wake_all(wait_node* chain) noexcept {
  while (chain != nullptr) {
    wait_node* const next = chain->next;  // the node lives on the stack that the wake sets free
    chain->owner->wake();
    chain = next;
  }
}

}  // namespace weir::internal
