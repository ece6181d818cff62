// How a case of a select registers with a channel: it completes at once if a peer or a value is there, by claiming the
// selecting owner and the peer together, or else links its node.
//
// Thread-safety: as channel_core.h, whose members these are.
#pragma once

#include <optional>
#include <utility>

#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_line.h"

namespace weir::internal {

template <class T>
auto channel_core<T>::pair_locked(wait_list& peers, wait_node& node, wait_node*& peer) noexcept -> enrolled {
  bool cancelled = false;
  switch (peers.claim_first_with(*node.owner, &peer, &cancelled)) {
    case wait_list::pair_result::won:
      return enrolled::done;
    case wait_list::pair_result::self_lost:
      return enrolled::lost;
    case wait_list::pair_result::retry:
      return cancelled ? enrolled::cancelled : enrolled::again;
    case wait_list::pair_result::none:
      break;
  }
  return enrolled::waiting;
}

template <class T>
auto channel_core<T>::enroll_send(offer& o, wait_node& node, bool& closed) -> enrolled {
  wait_node* peer = nullptr;
  if (weights_) o.weight = weigh_(*static_cast<T*>(o.value));
  const lock_key key = lock_.lock();
  enrolled e = enrolled::waiting;
  if (is_closed()) {
    closed = true;
    e = node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
  } else {
    e = pair_locked(receivers_, node, peer);
    if (e == enrolled::done) {
      target(*peer).emplace(std::move(*static_cast<T*>(o.value)));
      ++handed_;
    } else if (e == enrolled::waiting) {
      // Only a bound by weight leaves room while somebody waits: for a lighter one than the first in line.
      if ((!weights_ || senders_.empty()) && fits_locked(o)) {
        e = node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
        if (e == enrolled::done) push_locked(o);
      } else {
        refuse_forked("select");
        o.ticket = ++tickets_;
        node.slot = &o;
        note_locked(senders_, *node.owner);
        senders_.push_back(node);
      }
    }
  }
  key.unlock();
  if (peer) peer->owner->wake();
  return e;
}

template <class T>
auto channel_core<T>::enroll_recv(std::optional<T>& out, wait_node& node, bool& closed) -> enrolled {
  aftermath after;
  const lock_key key = lock_.lock();
  enrolled e = enrolled::waiting;
  if (ring_.length() > 0) {
    e = node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
    if (e == enrolled::done) {
      after.shell = ring_.take(out);
      if (anybody_waits_for_room()) after.woken = refill_locked();
    }
  } else {
    e = pair_locked(senders_, node, after.woken);
    if (e == enrolled::done) {
      ++handed_;
      out.emplace(std::move(source(*after.woken)));
      after.woken->next = nullptr;
    } else if (e == enrolled::waiting) {
      if (is_closed()) {
        closed = true;
        e = node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
      } else {
        refuse_forked("select");
        node.slot = &out;
        note_locked(receivers_, *node.owner);
        receivers_.push_back(node);
      }
    }
  }
  key.unlock();
  settle(after);
  return e;
}

}  // namespace weir::internal
