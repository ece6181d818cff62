// A connection's side of the pipes.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>

#include "weir/net/socket/internal/socket_core.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {

using weir::internal::wait_chain;
using weir::internal::wait_node;
using zmtp::socket_type;

namespace {

constexpr std::size_t most_taken = 256;
// What a connected endpoint takes beyond its bounds of a peer that takes nothing any more, so that it can connect
// again: as a rule the kernel has less. Of a peer that still sends it is a bound.
constexpr std::size_t most_octets_of_the_deaf = 64 * 1024 * 1024;
// Of so many peers' high water may be left unread by peers that have gone, before a further one is let in.
constexpr std::size_t most_gone = 10;
constexpr std::size_t any = std::numeric_limits<std::size_t>::max();

}  // namespace

void socket_core::settle_locked(pipe& p, std::size_t messages, wait_chain& woken) noexcept {
  if (messages == 0) return;
  counted_.unsent -= messages;
  counted_.sent += messages;
  p.sent += messages;
  p.in_flight -= messages;
  if (counted_.unsent == 0) wake_watchers_locked(woken);
}

void socket_core::wrote(pipe& p, std::size_t messages) noexcept {
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    settle_locked(p, messages, woken);
  }
  woken.wake();
}

socket_core::taken socket_core::take(pipe& p, item_list& into, deadline limit) {
  for (;;) {
    wait_chain woken;
    lock_.lock();
    settle_locked(p, p.in_flight, woken);
    if (!p.connected || p.kicked || p.gone || over_) {
      lock_.unlock();
      woken.wake();
      return taken::over;
    }
    if (!p.control.empty() || !p.out.empty()) {
      into.append(std::move(p.control));
      item_list messages = p.out.take_front(most_taken, most_octets_taken);
      p.in_flight = messages.size();
      into.append(std::move(messages));
      const std::uint64_t dropped = std::exchange(p.untold, 0);
      p.warned = false;
      if (p.in_flight > 0) {
        update_locked(p);
        while (wait_node* const n = senders_.claim_first()) woken.add(*n);
      }
      lock_.unlock();
      woken.wake();
      if (dropped) tell(peer_event_kind::dropped, p.address, p.identity.text(), "its queue was full", dropped);
      return taken::items;
    }
    if (ending_) {
      lock_.unlock();
      woken.wake();
      return taken::ending;
    }
    if (!woken.empty()) {
      lock_.unlock();
      woken.wake();
      continue;
    }
    switch (wait_locked(p.writer, nullptr, "send to a peer", limit)) {
      case wait_end::cancelled:
        weir::internal::meet_cancel("send to a peer");
        return taken::over;
      case wait_end::timeout:
        return taken::nothing;
      case wait_end::handed:
      case wait_end::closed:
        limit = deadline(std::chrono::nanoseconds(0));  // nothing is there still: it was a nudge
        break;
    }
  }
}

// So many items, and so many octets: what the pipe has room for. The last item may be longer.
item_list::amount socket_core::room_in(const pipe& p) const noexcept {
  const auto left = [](std::size_t most, std::size_t used) { return most == 0 ? any : most - std::min(most, used); };
  if (p.deaf && p.stays) return {any, left(most_octets_of_the_deaf, p.in.weight())};
  return {left(options.receive_high_water, p.in.size()), left(options.receive_high_water_bytes, p.in.weight())};
}

void socket_core::deliver_locked(pipe& p, item_list& items, wait_chain& woken, item_list& garbage) noexcept {
  const std::size_t before = p.in.size(), came = items.size();
  if (came == 0) return;
  if (options.conflate) {  // each takes the place of an earlier one
    p.in.append(std::move(items));
    item_list replaced = p.in.take_front(p.in.size() - std::max<std::size_t>(before, 1), any);
    counted_.dropped += replaced.size();
    p.dropped += replaced.size();
    garbage.append(std::move(replaced));
  } else {
    const item_list::amount room = room_in(p);
    p.in.append(items.take_front(room.items, room.weight));
  }
  counted_.unread = counted_.unread - before + p.in.size();
  if (before == 0 && !p.in.empty()) readable_.push_back(p);
  for (std::size_t i = came - items.size(); i > 0; --i) {
    wait_node* const n = receivers_.claim_first();
    if (n == nullptr) break;
    woken.add(*n);
  }
}

bool socket_core::try_deliver(pipe& p, item_list& items) {
  wait_chain woken;
  item_list garbage;
  bool open;
  {
    std::lock_guard guard(lock_);
    open = p.connected && !p.kicked && !p.gone && !ending_ && !over_;
    if (open) deliver_locked(p, items, woken, garbage);
  }
  woken.wake();
  return open;
}

bool socket_core::deliver(pipe& p, item_list& items) {
  for (;;) {
    wait_chain woken;
    item_list garbage;
    lock_.lock();
    if (!p.connected || p.kicked || p.gone || ending_ || over_) {
      lock_.unlock();
      return false;
    }
    deliver_locked(p, items, woken, garbage);
    if (items.empty() || !woken.empty()) {
      const bool done = items.empty();
      lock_.unlock();
      woken.wake();
      if (done) return true;
      continue;
    }
    switch (wait_locked(p.reader, nullptr, "hand over what came", {})) {
      case wait_end::timeout:
      case wait_end::handed:
      case wait_end::closed:
        break;
      case wait_end::cancelled:
        weir::internal::meet_cancel("hand over what came");
        return false;
    }
  }
}

std::size_t socket_core::wait_for_room(pipe& p) {
  for (;;) {
    lock_.lock();
    if (!p.connected || p.kicked || p.gone || ending_ || over_) {
      lock_.unlock();
      return 0;
    }
    const item_list::amount room = options.conflate ? item_list::amount{any, any} : room_in(p);
    if (room.items > 0 && room.weight > 0) {
      lock_.unlock();
      return room.items;
    }
    if (wait_locked(p.reader, nullptr, "hand over what came", {}) == wait_end::cancelled) {
      weir::internal::meet_cancel("hand over what came");
      return 0;
    }
  }
}

// Of a share of what is allowed.
bool socket_core::much_is_left_behind_locked(std::size_t share) const noexcept {
  const std::size_t most = options.receive_high_water, octets = options.receive_high_water_bytes;
  return (most != 0 && left_behind_.items / most_gone * share >= most) ||
         (octets != 0 && left_behind_.weight / most_gone * share >= octets);
}

void socket_core::wait_for_the_gone() {
  for (;;) {
    lock_.lock();
    if (over_ || !much_is_left_behind_locked(1)) {
      lock_.unlock();
      return;
    }
    if (wait_locked(acceptors_, nullptr, "accept: too much is left unread", {}) == wait_end::cancelled)
      return weir::internal::meet_cancel("accept");
  }
}

bool socket_core::is_over(const pipe& p) {
  std::lock_guard guard(lock_);
  return ending_ || over_ || p.gone;
}

bool socket_core::is_ending() {
  std::lock_guard guard(lock_);
  return ending_;
}

void socket_core::send_pong(pipe& p, message&& context) {
  auto pong = make_item(item_kind::pong, std::move(context));
  item_list garbage;
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    // One that waits is enough: a peer that sends PING and does not read makes this side keep no more.
    if (!p.control.empty() && p.control.front()->kind == item_kind::pong) garbage.push_back(p.control.pop_front());
    p.control.push_front(pong.release());
    if (wait_node* const n = p.writer.claim_first()) woken.add(*n);
  }
  woken.wake();
}

void socket_core::arrived(pipe& p, std::unique_ptr<item> i, item_list& into) {
  switch (type) {
    case socket_type::router:
      i->body.push_front(p.identity.copy());
      i->weigh();
      break;
    case socket_type::req:
      return arrived_answer(p, std::move(i), into);
    case socket_type::sub: {
      std::unique_lock topics(topics_mutex_);
      if (!topics_.wanted(i->body.front().text())) return;
      break;
    }
    case socket_type::push:
    case socket_type::pub:
      return;  // a peer may send what nobody reads (RFC 29, 30)
    default:
      break;
  }
  into.push_back(std::move(i));
}

}  // namespace weir::net::internal
