// Connections come to their pipes, and go.
#include <fmt/core.h>

#include <mutex>
#include <string>

#include "weir/net/socket/internal/socket_core.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {

using weir::internal::wait_chain;
using weir::internal::wait_node;
using zmtp::socket_type;

std::shared_ptr<pipe> socket_core::add_pipe(bool stays, std::string address) {
  auto p = std::make_shared<pipe>(stays, std::move(address));
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    p->self = p;
    pipes_.push_back(*p);
    if (ending_ || over_) p->gone = true;
    update_locked(*p);
    if (usable(*p))
      while (wait_node* const n = senders_.claim_first()) woken.add(*n);
  }
  woken.wake();
  return p;
}

std::shared_ptr<pipe> socket_core::release_locked(pipe& p) noexcept {
  pipes_.remove(p);
  return std::move(p.self);
}

// PAIR: who has the one place (RFC 31): the first of its endpoints, whether or not its peer is there, or a peer that
// came before. With options.immediate, who is connected.
const pipe* socket_core::only_locked() const noexcept {
  for (const pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p))
    if (!p->gone && (p->connected || (p->stays && !options.immediate))) return p;
  return nullptr;
}

// Nothing more goes in or out; what is unread may still be read.
void socket_core::leave_locked(pipe& p) noexcept {
  if (std::exchange(p.gone, true)) return;
  left_behind_.items += p.in.size() + p.news.items;
  left_behind_.weight += p.in.weight() + p.news.weight;
  if (type == socket_type::pair)  // another one may have its place now
    for (pipe* other = pipes_.front(); other != nullptr; other = pipes_.next(*other)) update_locked(*other);
}

const char* socket_core::attach(pipe& p, const zmtp::peer_info& peer, hang_up end) {
  std::map<std::string, pipe*, std::less<>> made;  // its node goes into identities_, so nothing is allocated there
  item_list wanted, garbage;
  wait_chain woken;
  bool kicked = false;
  {
    std::unique_lock topics(topics_mutex_);
    if (type == socket_type::sub || type == socket_type::xsub)
      topics_.for_all([&](const std::string& topic, int, std::size_t) {
        wanted.push_back(make_item(item_kind::subscribe, message(topic)));
      });
    std::string identity = peer.identity;
    if (type == socket_type::router && identity.empty()) {
      std::lock_guard guard(lock_);
      const std::uint32_t n = next_identity_++;
      identity = std::string(1, '\0');
      for (int shift = 24; shift >= 0; shift -= 8) identity += static_cast<char>(n >> shift & 255);
    }
    if (type == socket_type::router) made.emplace(identity, &p);
    frame shown(identity);

    std::lock_guard guard(lock_);
    if (ending_ || over_ || p.gone) return "the socket is closed";
    if (type == socket_type::pair)
      if (const pipe* const only = only_locked(); only != nullptr && only != &p)
        return "PAIR has another peer, or endpoint, already (RFC 31)";
    if (type == socket_type::router) {
      const auto at = identities_.find(identity);
      if (at != identities_.end()) {
        if (!options.handover) return "the identity is another peer's already (RFC 28, ROUTER)";
        pipe& old = *at->second;
        at->second = &p;
        kick_locked(old, woken, "another peer has taken over its identity (options.handover)");
        kicked = true;
      } else {
        identities_.insert(made.extract(made.begin()));
      }
      if (p.identity.text() != identity) {  // what waits is for the one that was there before
        lose_locked(p, p.out.size());
        garbage.append(std::move(p.out));
      }
    }
    std::swap(p.identity, shown);
    std::swap(p.end, end);
    p.connected = true;
    p.kicked = p.deaf = p.greeted = p.warned = false;
    p.why = nullptr;
    p.connection = ++connections_;
    p.control.append(std::move(wanted));
    ++counted_.connected;
    ++counted_.peers;
    update_locked(p);
    while (wait_node* const n = senders_.claim_first()) woken.add(*n);
    wake_watchers_locked(woken);
  }
  woken.wake();
  if (kicked) close_kicked();  // looks at all peers
  tell(peer_event_kind::up, p.address, p.identity.text(), {});
  return nullptr;
}

void socket_core::kick_locked(pipe& p, wait_chain& woken, const char* why) noexcept {
  if (!std::exchange(p.kicked, true)) p.why = why;
  update_locked(p);
  while (wait_node* const n = p.writer.claim_first()) woken.add(*n);
  while (wait_node* const n = p.reader.claim_first()) woken.add(*n);
}

void socket_core::cut(pipe& p) noexcept {
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    kick_locked(p, woken);
  }
  woken.wake();
}

void socket_core::cut_inproc(std::string_view address) noexcept {
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p))
      if (!p->stays && p->connected && p->address == address) kick_locked(*p, woken);
  }
  woken.wake();
  close_kicked();
}

void socket_core::deafen(pipe& p) noexcept {
  item_list garbage;
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    p.deaf = true;
    if (!p.stays) {
      lose_locked(p, p.out.size() + std::exchange(p.in_flight, 0));
      garbage.append(std::move(p.out));
      if (counted_.unsent == 0) wake_watchers_locked(woken);
    }
    update_locked(p);
    while (wait_node* const n = senders_.claim_first()) woken.add(*n);  // who waited for its room need not any more
    while (wait_node* const n = p.reader.claim_first()) woken.add(*n);  // it has more room now
  }
  woken.wake();
}

void socket_core::nudge(pipe& p) noexcept {
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    if (wait_node* const n = p.writer.claim_first()) woken.add(*n);
  }
  woken.wake();
}

// A connection that is to end may be in the middle of a write that nobody reads.
void socket_core::close_kicked() {
  for (;;) {
    hang_up end;
    {
      std::lock_guard guard(lock_);
      for (pipe* p = pipes_.front(); p != nullptr && !end; p = pipes_.next(*p))
        if (p->kicked && p->end) std::swap(end, p->end);
    }
    if (!end) return;
    if (end.wire) end.wire.close();
    const auto far = end.far.lock();
    const auto far_pipe = end.far_pipe.lock();
    if (far && far_pipe) far->cut(*far_pipe);
  }
}

void socket_core::lose_locked(pipe& p, std::size_t messages) noexcept {
  counted_.unsent -= messages;
  counted_.lost += messages;
  p.lost += messages;
}

void socket_core::detach(pipe& p, item_list&& unwritten, std::string_view reason) noexcept {
  item_list garbage;
  news_list news;
  wait_chain woken;
  std::uint64_t dropped;
  std::shared_ptr<pipe> released;
  hang_up end;
  std::map<std::string, pipe*, std::less<>>::node_type identity;
  {
    std::unique_lock topics(topics_mutex_);
    if (type == socket_type::pub || type == socket_type::xpub)
      for (topic_table<pipe*>* table : {&wishes_, &subscribers_})
        table->remove_all(&p, [&](std::string_view topic) {
          if (type != socket_type::xpub || (table == &wishes_) != options.manual) return;
          try {
            make_news(p, false, topic, news);
          } catch (const std::bad_alloc&) {  // nothing keeps the end of a connection: the program does not hear of it
          }
        });
    p.subscriptions = 0;
    std::lock_guard guard(lock_);
    if (!p.connected) return;
    p.connected = false;
    std::swap(p.end, end);
    ++counted_.disconnected;
    --counted_.peers;
    garbage.append(std::move(p.control));  // those of a connection go with it
    // What was not written: back to the front, in its order, or gone.
    item_list back;
    while (!unwritten.empty()) {
      item* const i = unwritten.pop_front();
      const bool wanted = type != socket_type::req || awaited_locked(i->number);
      (i->kind == item_kind::message && wanted ? back : garbage).push_back(i);
    }
    const std::size_t kept = back.size();
    lose_locked(p, p.in_flight - kept);
    p.in_flight = 0;
    p.out.prepend(std::move(back));
    add_news_locked(p, news, woken);
    if (!p.stays || p.gone) {
      lose_locked(p, p.out.size());
      garbage.append(std::move(p.out));
      leave_locked(p);
    }
    if (type == socket_type::router) {
      const auto at = identities_.find(p.identity.text());
      if (at != identities_.end() && at->second == &p) identity = identities_.extract(at);
    }
    dropped = std::exchange(p.untold, 0);
    if (p.why != nullptr) reason = p.why;
    update_locked(p);
    if (p.gone && !p.has_unread() && p.self) released = release_locked(p);
    while (wait_node* const n = p.writer.claim_first()) woken.add(*n);
    while (wait_node* const n = p.reader.claim_first()) woken.add(*n);
    while (wait_node* const n = senders_.claim_first()) woken.add(*n);  // for ROUTER, who waits for this peer
    wake_watchers_locked(woken);
  }
  woken.wake();
  if (dropped) tell(peer_event_kind::dropped, p.address, p.identity.text(), "its queue was full", dropped);
  tell(peer_event_kind::down, p.address, p.identity.text(), reason.empty() ? "this side has closed it" : reason);
}

void socket_core::drop_pipe(pipe& p) {
  item_list garbage;
  std::shared_ptr<pipe> released;
  wait_chain woken;
  lock_.lock();
  if (p.self) {
    leave_locked(p);
    lose_locked(p, p.out.size());
    garbage.append(std::move(p.out));
    update_locked(p);
    if (!p.has_unread()) released = release_locked(p);
    while (wait_node* const n = senders_.claim_first()) woken.add(*n);  // who waited for its room need not any more
    while (wait_node* const n = p.writer.claim_first()) woken.add(*n);
    while (wait_node* const n = p.reader.claim_first()) woken.add(*n);
    wake_watchers_locked(woken);
  }
  lock_.unlock();
  woken.wake();
}

}  // namespace weir::net::internal
