// A program sends: which queue gets the message.
#include <fmt/core.h>

#include <cerrno>
#include <mutex>
#include <new>

#include "weir/net/error.h"
#include "weir/net/socket/internal/outgoing.h"
#include "weir/net/socket/internal/socket_core.h"
#include "weir/net/zmtp/violation.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {

using weir::internal::wait_chain;
using weir::internal::wait_node;
using zmtp::socket_type;

bool socket_core::fans_out() const noexcept {
  return type == socket_type::pub || type == socket_type::xpub || type == socket_type::xsub;
}

// Goes because of a queue towards that peer.
void socket_core::drop_locked(pipe& p, std::size_t messages) noexcept {
  counted_.dropped += messages;
  p.dropped += messages;
  p.untold += messages;
  to_warn_ |= !p.warned && !options.conflate && events_tx_;
}

// As a rule a connection tells of drops when it takes something. It may be in the middle of a write that nobody reads,
// so the first one since is told at once.
void socket_core::warn_of_drops() noexcept {
  for (;;) {
    std::shared_ptr<pipe> of;
    frame identity;
    std::uint64_t dropped = 0;
    {
      std::lock_guard guard(lock_);
      pipe* p = pipes_.front();
      while (p != nullptr && (p->warned || p->untold == 0)) p = pipes_.next(*p);
      if (p == nullptr) return;
      p->warned = true;
      dropped = std::exchange(p->untold, 0);
      identity = p->identity.copy();
      of = p->self;
    }
    tell(peer_event_kind::dropped, of->address, identity.text(), "its queue was full", dropped);
  }
}

void socket_core::put_locked(pipe& p, item* i, wait_chain& woken, item_list& garbage) noexcept {
  if (options.conflate) {
    drop_locked(p, p.out.size());
    counted_.unsent -= p.out.size();
    garbage.append(std::move(p.out));
  }
  p.out.push_back(i);
  ++counted_.unsent;
  update_locked(p);
  if (wait_node* const n = p.writer.claim_first()) woken.add(*n);
}

socket_core::routed socket_core::route_locked(outgoing& o, wait_chain& woken) {
  if (closing_) return routed::closed;
  if (o.named) {
    const auto at = identities_.find(o.to.text());
    if (at == identities_.end() || !usable(*at->second)) {
      if (options.mandatory) return routed::unreachable;
      ++counted_.dropped;
      o.garbage.push_back(o.release());
      return routed::ok;
    }
    pipe& p = *at->second;
    if (!has_room(p)) {
      if (options.mandatory) return routed::full;
      drop_locked(p, 1);
      o.garbage.push_back(o.release());
      return routed::ok;
    }
    put_locked(p, o.release(), woken, o.garbage);
    return routed::ok;
  }
  if (o.in_step && step_.now != req_step::at::rest && !options.relaxed) return routed::out_of_step;
  if (sendable_.empty()) return routed::full;
  pipe& p = *sendable_.front();
  sendable_.rotate();
  if (o.in_step) step_ = {req_step::at::asked, o.number, &p};
  if (o.asked) *o.asked = p.self;
  put_locked(p, o.release(), woken, o.garbage);
  return routed::ok;
}

// Who is to get what begins with `subject`. Under topics_mutex_, as is the use of what it finds: until that is free
// no pipe of them goes.
void socket_core::find_targets(std::string_view subject) {
  targets_.clear();
  subscribers_.match(subject, [&](pipe* p) {
    targets_.push_back(p);
    return true;
  });
}

// Some of them several times.
template <class Each>
void socket_core::each_target(Each each) const {
  if (type != socket_type::xsub) {
    for (pipe* p : targets_) each(*p);
    return;
  }
  for (pipe* p = pipes_.front(); p != nullptr;) {
    pipe* const next = pipes_.next(*p);
    each(*p);
    p = next;
  }
}

// Some subscriber that is to get it has no room.
bool socket_core::fan_out_is_blocked() const noexcept {
  bool blocked = false;
  each_target([&](const pipe& p) { blocked |= usable(p) && !has_room(p); });
  return blocked;
}

socket_core::routed socket_core::fan_out_locked(outgoing& o, wait_chain& woken, bool& kicked) noexcept {
  if (closing_) return routed::closed;
  if (options.slow == slow_subscriber::block && fan_out_is_blocked()) return routed::full;
  const std::uint64_t mark = ++marks_;
  each_target([&](pipe& p) {
    if (!usable(p) || std::exchange(p.marked, mark) == mark) return;
    if (!has_room(p)) {
      if (options.slow == slow_subscriber::disconnect) {
        kick_locked(p, woken, "its queue was full (options.slow)");
        kicked = true;
      }
      const bool renew = options.slow == slow_subscriber::drop_oldest;
      do {
        drop_locked(p, 1);
        if (!renew) return;
        o.garbage.push_back(p.out.pop_front());
        --counted_.unsent;
      } while (!has_room(p));
    }
    // There is one for each, but perhaps for a pipe of XSUB that came after they were made.
    if (item* const i = o.next()) put_locked(p, i, woken, o.garbage);
  });
  o.sent = true;
  return routed::ok;
}

// As spend_locked(): also after as many octets as a connection takes at once, so that they are still near when it does.
bool socket_core::spend_octets_locked(std::size_t octets) noexcept {
  in_turn_ += octets;
  if (in_turn_ < most_octets_taken) return spend_locked();
  in_turn_ = 0;
  return true;
}

// To all who want it, in one step. If it is full and `keep_lock_if_full`, lock_ is held afterwards.
socket_core::routed socket_core::fan_out(outgoing& o, bool keep_lock_if_full) {
  const std::size_t octets = o.weight();
  wait_chain woken;
  bool kicked = false, warn, turn_is_over;
  routed r;
  {
    std::unique_lock topics(topics_mutex_);
    std::size_t most = 0;
    if (type == socket_type::xsub) {
      std::lock_guard guard(lock_);
      each_target([&](const pipe&) { ++most; });
    } else {
      find_targets(o.content().front().text());
      most = targets_.size();
    }
    o.prepare(most);
    lock_.lock();
    r = fan_out_locked(o, woken, kicked);
    if (r == routed::full && keep_lock_if_full) return r;
    turn_is_over = spend_octets_locked(r == routed::ok ? octets : 0);
    warn = std::exchange(to_warn_, false);
    lock_.unlock();
  }
  woken.wake();
  if (warn) warn_of_drops();
  if (kicked) close_kicked();
  if (turn_is_over) weir::internal::give_way();
  return r;
}

// As fan_out(), for all types.
socket_core::routed socket_core::route(outgoing& o, bool keep_lock_if_full) {
  if (fans_out()) return fan_out(o, keep_lock_if_full);
  const std::size_t octets = o.weight();
  wait_chain woken;
  lock_.lock();
  const routed r = route_locked(o, woken);
  if (r == routed::full && keep_lock_if_full) return r;
  const bool turn_is_over = spend_octets_locked(r == routed::ok ? octets : 0);
  const bool warn = std::exchange(to_warn_, false);
  lock_.unlock();
  woken.wake();
  if (warn) warn_of_drops();
  if (turn_is_over) weir::internal::give_way();
  return r;
}

// Empty messages are misuse. True: it was no message for the queues, and is done.
bool socket_core::sent_otherwise(message& m, site where) {
  if (m.empty()) check_frames(m, "send", where);
  if (type == socket_type::router && m.size() == 1) {  // an identity, and nothing behind it: a proxy must survive it
    m.clear();
    count_malformed();
    return true;
  }
  return type == socket_type::xsub && subscription_message(m, where);
}

void socket_core::refuse(routed why, const outgoing& o, site where) {
  if (why == routed::out_of_step)
    weir::internal::throw_misuse("send", "a REQ socket has one question in step at a time",
                                 "a second one before recv()",
                                 "Call recv() first, or request(), or set options.relaxed.", where);
  throw error(EHOSTUNREACH, "send", "peer " + zmtp::printable(o.to.text()));  // which quotes it
}

send_status socket_core::try_send(message& m, site where) {
  if (sent_otherwise(m, where)) return send_status::ok;
  outgoing o(type, m, next_question_number(), options.correlate);
  o.in_step = type == socket_type::req;
  switch (const routed r = route(o, false)) {
    case routed::ok:
      return send_status::ok;
    case routed::full:
      return send_status::full;
    case routed::closed:
      return send_status::closed;
    case routed::unreachable:
    case routed::out_of_step:
      refuse(r, o, where);
  }
  return send_status::closed;
}

send_status socket_core::send(message& m, deadline limit, site where) {
  if (sent_otherwise(m, where)) return send_status::ok;
  outgoing o(type, m, next_question_number(), options.correlate);
  o.in_step = type == socket_type::req;
  return send_routed(o, limit, where);
}

send_status socket_core::send_routed(outgoing& o, deadline limit, site where) {
  for (;;) {
    switch (const routed r = route(o, true)) {
      case routed::ok:
        return send_status::ok;
      case routed::closed:
        weir::internal::closed_or_cancelled("send");
        return send_status::closed;
      case routed::unreachable:
      case routed::out_of_step:
        refuse(r, o, where);
      case routed::full:
        break;
    }
    switch (wait_locked(senders_, nullptr, "send", limit)) {
      case wait_end::timeout:
        return send_status::timeout;
      case wait_end::cancelled:
        weir::internal::meet_cancel("send");
        return send_status::closed;
      case wait_end::handed:
      case wait_end::closed:
        break;
    }
  }
}

send_status socket_core::send_each(const message& m, deadline limit) {
  item_list made;  // before the lock
  for (;;) {
    wait_chain woken;
    item_list garbage;
    lock_.lock();
    if (closing_) {
      lock_.unlock();
      weir::internal::closed_or_cancelled("send");
      return send_status::closed;
    }
    std::size_t peers = 0;
    for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p)) peers += usable(*p);
    if (peers > made.size()) {
      lock_.unlock();
      while (made.size() < peers) made.push_back(make_item(item_kind::message, m.copy()));
      continue;
    }
    if (peers > 0) {
      for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p))
        if (usable(*p)) put_locked(*p, made.pop_front(), woken, garbage);
      lock_.unlock();
      woken.wake();
      return send_status::ok;
    }
    switch (wait_locked(senders_, nullptr, "send", limit)) {
      case wait_end::timeout:
        return send_status::timeout;
      case wait_end::cancelled:
        weir::internal::meet_cancel("send");
        return send_status::closed;
      case wait_end::handed:
      case wait_end::closed:
        break;
    }
  }
}

socket_core::enrolled socket_core::enroll_send(const message& m, wait_node& node) {
  std::unique_lock topics(topics_mutex_, std::defer_lock);
  if (fans_out() && !m.empty()) {
    topics.lock();
    try {
      if (type != socket_type::xsub) find_targets(m.front().text());
    } catch (const std::bad_alloc&) {  // other cases are registered: the send itself may say so
      std::lock_guard guard(lock_);
      return weir::internal::enroll_ready(node);
    }
  }
  std::lock_guard guard(lock_);
  bool ready = closing_ || m.empty();
  if (!ready) {
    if (fans_out()) {
      ready = options.slow != slow_subscriber::block || !fan_out_is_blocked();
    } else if (type == socket_type::router) {
      const auto at = identities_.find(m.front().text());
      ready = !options.mandatory || at == identities_.end() || !usable(*at->second) || has_room(*at->second);
    } else {
      ready = !sendable_.empty();
    }
  }
  if (ready) return weir::internal::enroll_ready(node);
  senders_.push_back(node);
  return enrolled::waiting;
}

bool socket_core::reply(const std::shared_ptr<pipe>& to, std::uint64_t connection, message&& m) {
  outgoing o(type, m);
  wait_chain woken;
  bool sent, warn;
  {
    std::lock_guard guard(lock_);
    const bool there = !closing_ && to->connected && to->connection == connection && usable(*to);
    sent = there && has_room(*to);
    if (sent) {
      put_locked(*to, o.release(), woken, o.garbage);
    } else {
      if (there)
        drop_locked(*to, 1);
      else
        ++counted_.dropped;
      o.garbage.push_back(o.release());
    }
    warn = std::exchange(to_warn_, false);
  }
  woken.wake();
  if (warn) warn_of_drops();
  return sent;
}

}  // namespace weir::net::internal
