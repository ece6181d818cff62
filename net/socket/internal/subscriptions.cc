// Subscriptions: what this side wants, and what its peers do.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>

#include "weir/net/socket/internal/socket_core.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {

using weir::internal::wait_chain;
using weir::internal::wait_node;
using zmtp::socket_type;

// A command for each peer, made before the topic is added or removed: after that nothing can fail any more. Under
// topics_mutex_ until tell_peers() has them, so that no peer comes meanwhile, and one that comes later is told once.
item_list socket_core::commands_for_peers(item_kind kind, std::string_view topic) {
  std::size_t needed = 0;
  {
    std::lock_guard guard(lock_);
    for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p)) needed += p->connected;
  }
  item_list made;
  while (made.size() < needed) made.push_back(make_item(kind, message(topic)));
  return made;
}

void socket_core::tell_peers(item_list&& made) noexcept {
  wait_chain woken;
  bool too_many = false;
  {
    std::lock_guard guard(lock_);
    for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p))
      if (p->connected && !made.empty()) {
        p->control.push_back(made.pop_front());
        too_many |= p->control.size() > p->control_bound;
        if (wait_node* const n = p->writer.claim_first()) woken.add(*n);
      }
  }
  woken.wake();
  if (too_many) shorten_commands();
}

namespace {

// Of one topic subscribe and cancel take turns, but for what is said again: so an even number of them is none, and an
// odd number the last one. Without memory all are kept.
void shorten(item_list& commands, item_list& garbage) noexcept {
  try {
    struct of_topic {
      std::size_t left = 0;
      bool odd = false;
    };
    std::unordered_map<std::string_view, of_topic> seen;
    for (const item* i = commands.front(); i != nullptr; i = i->next)
      if (!i->again) {
        of_topic& t = seen[i->body.front().text()];
        ++t.left;
        t.odd = !t.odd;
      }
    item_list kept;
    while (!commands.empty()) {
      item* const i = commands.pop_front();
      bool keep = false;
      if (!i->again) {
        of_topic& t = seen.find(i->body.front().text())->second;
        keep = --t.left == 0 && t.odd;
      }
      (keep ? kept : garbage).push_back(i);
    }
    commands.append(std::move(kept));
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

// A peer that does not read what this side subscribes to and cancels keeps no more than what it has not been told.
// Under topics_mutex_, as all that adds commands.
void socket_core::shorten_commands() noexcept {
  item_list garbage;
  for (;;) {
    item_list commands;
    std::shared_ptr<pipe> of;
    {
      std::lock_guard guard(lock_);
      pipe* p = pipes_.front();
      while (p != nullptr && p->control.size() <= p->control_bound) p = pipes_.next(*p);
      if (p == nullptr) return;
      of = p->self;
      item* const pong = p->control.front()->kind == item_kind::pong ? p->control.pop_front() : nullptr;
      commands.append(std::move(p->control));
      if (pong != nullptr) p->control.push_front(pong);
    }
    shorten(commands, garbage);
    wait_chain woken;
    {
      std::lock_guard guard(lock_);
      of->control_bound = std::max<std::size_t>(1000, 2 * commands.size());
      of->control.append(std::move(commands));
      if (wait_node* const n = of->writer.claim_first()) woken.add(*n);
    }
    woken.wake();
  }
}

void socket_core::subscribe(std::string_view topic, site where) {
  if (topic.size() > zmtp::limits::most_topic)
    weir::internal::throw_misuse("subscribe", "a topic has at most 65536 octets", std::to_string(topic.size()),
                                 "Subscribe to a prefix of it.", where);
  std::unique_lock topics(topics_mutex_);
  item_list made = commands_for_peers(item_kind::subscribe, topic);
  const bool first = topics_.add(topic, 0);
  if (!first && type != socket_type::xsub) return;
  if (!first)
    for (item* i = made.front(); i != nullptr; i = i->next) i->again = true;
  tell_peers(std::move(made));
}

bool socket_core::cancel(std::string_view topic) {
  std::unique_lock topics(topics_mutex_);
  item_list made = commands_for_peers(item_kind::cancel, topic);
  const auto r = topics_.remove(topic, 0);
  if (r == topic_table<int>::removed::unknown) return false;
  if (r == topic_table<int>::removed::last) tell_peers(std::move(made));  // peers do not count
  return true;
}

bool socket_core::subscription_message(const message& m, site where) {
  if (m.size() != 1) return false;
  const std::string_view text = m.front().text();
  if (text.empty() || (text[0] != '\0' && text[0] != '\1')) return false;
  if (text[0] == '\1')
    subscribe(text.substr(1), where);
  else
    static_cast<void>(cancel(text.substr(1)));
  return true;
}

// The message for a peer that gets `topic` from now on, if there is one.
std::unique_ptr<item> socket_core::welcome_for(std::string_view topic) const {
  if (options.welcome.empty() || !options.welcome.starts_with(topic)) return nullptr;
  return make_item(item_kind::message, message(options.welcome));
}

void socket_core::greet_locked(pipe& p, std::unique_ptr<item>& welcome, wait_chain& woken, item_list& garbage) {
  if (!welcome || p.greeted || closing_ || !usable(p) || !has_room(p)) return;
  p.greeted = true;
  put_locked(p, welcome.release(), woken, garbage);
}

std::string socket_core::arrived_subscription(pipe& p, bool add, std::string_view topic) {
  using removed = topic_table<pipe*>::removed;
  topic_table<pipe*>& table = options.manual ? wishes_ : subscribers_;
  bool news;
  item_list garbage;
  std::unique_ptr<item> welcome;  // made before anything is changed, as is:
  news_list told;
  if (add && !options.manual) welcome = welcome_for(topic);
  if (type == socket_type::xpub) make_news(p, add, topic, told);
  {
    std::unique_lock topics(topics_mutex_);
    if (add) {
      // A peer's are a set, as libzmq has it: its SUB says each subscribe, and one cancel for all of them.
      bool first;
      news = table.add(topic, &p, &first) || options.verbose || options.manual;
      const bool too_many = first && options.subscriptions != 0 && p.subscriptions >= options.subscriptions;
      const bool too_long = first && options.subscription_octets != 0 && table.octets(&p) > options.subscription_octets;
      if (!first || too_many || too_long) table.remove(topic, &p);
      if (too_many) return "the peer has too many subscriptions";
      if (too_long) return "the topics of the peer's subscriptions have too many octets";
      p.subscriptions += first;
    } else {
      const removed r = table.remove(topic, &p);
      if (r == removed::unknown) return {};
      --p.subscriptions;
      news = r == removed::last || options.manual;
    }
    wait_chain woken;
    {
      std::lock_guard guard(lock_);
      greet_locked(p, welcome, woken, garbage);
      if (news) add_news_locked(p, told, woken);
      if (!add)  // who waited for room for this peer may not have to any more
        while (wait_node* const n = senders_.claim_first()) woken.add(*n);
      wake_watchers_locked(woken);
    }
    woken.wake();
  }
  return {};
}

// XPUB's news. "The first one wants it" and "nobody wants it any more" are facts about all peers together, so they
// stand in one queue for all, and come to it in the section in which they become true.

// As the program reads it: 1 or 0, then the topic.
void socket_core::make_news(pipe& p, bool wanted, std::string_view topic, news_list& to) {
  to.push_back({make_item(wanted ? item_kind::subscribe : item_kind::cancel,
                          message(std::string(1, wanted ? '\1' : '\0').append(topic))),
                p.shared_from_this(), p.connection});
}

// Under topics_mutex_ too. Whatever the high water is: nobody can say these twice.
void socket_core::add_news_locked(pipe& p, news_list& news, wait_chain& woken) noexcept {
  for (const piece_of_news& n : news) {
    ++counted_.unread;
    ++p.news.items;
    p.news.weight += n.told->weight;
    if (p.gone) ++left_behind_.items, left_behind_.weight += n.told->weight;
    if (wait_node* const r = receivers_.claim_first()) woken.add(*r);
  }
  news_.splice(news_.end(), news);
}

// REQUIRES: there is one.
std::unique_ptr<item> socket_core::pop_news_locked(incoming& into, popped& more) noexcept {
  more.heard.splice(more.heard.end(), news_, news_.begin());
  piece_of_news& n = more.heard.back();
  pipe& p = *n.by;
  count_as_read_locked(p, *n.told, more);
  --p.news.items;
  p.news.weight -= n.told->weight;
  into.from = n.by;
  into.connection = n.connection;
  ++counted_.received;
  ++p.received;
  if (p.gone && !p.has_unread() && p.self) more.released = release_locked(p);
  wake_reader_locked(p, more.woken);
  return std::move(n.told);
}

bool socket_core::has_heard_locked(const pipe& p) const noexcept {
  const std::size_t most = options.receive_high_water, octets = options.receive_high_water_bytes;
  return p.deaf || ((most == 0 || p.news.items < most) && (octets == 0 || p.news.weight < octets));
}

bool socket_core::has_heard(pipe& p) {
  if (type != socket_type::xpub) return true;
  std::lock_guard guard(lock_);
  return has_heard_locked(p);
}

bool socket_core::wait_until_heard(pipe& p) {
  for (;;) {
    lock_.lock();
    if (!p.connected || p.kicked || p.gone || ending_ || over_) {
      lock_.unlock();
      return false;
    }
    if (has_heard_locked(p)) {
      lock_.unlock();
      return true;
    }
    if (wait_locked(p.reader, nullptr, "hand over what was subscribed to", {}) == wait_end::cancelled) {
      weir::internal::meet_cancel("hand over what was subscribed to");
      return false;
    }
  }
}

bool socket_core::give_topic(const std::shared_ptr<pipe>& to, std::uint64_t connection, bool add,
                             std::string_view topic) {
  if (!options.manual) return false;
  item_list garbage;
  wait_chain woken;
  std::unique_ptr<item> welcome;
  if (add) welcome = welcome_for(topic);
  {
    std::unique_lock topics(topics_mutex_);
    const auto there = [&] { return to->connected && to->connection == connection; };
    {
      std::lock_guard guard(lock_);
      if (!there()) return false;
    }
    // It may go meanwhile, but detach() takes its topics away only when the mutex is free.
    if (add)
      subscribers_.add(topic, to.get());
    else if (subscribers_.remove(topic, to.get()) == topic_table<pipe*>::removed::unknown)
      return false;
    std::lock_guard guard(lock_);
    greet_locked(*to, welcome, woken, garbage);
    while (wait_node* const n = senders_.claim_first()) woken.add(*n);
    wake_watchers_locked(woken);
  }
  woken.wake();
  return true;
}

}  // namespace weir::net::internal
