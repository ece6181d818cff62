#include "weir/net/socket/internal/topic_tree.h"

#include <algorithm>
#include <new>
#include <utility>

namespace weir::net::internal {
namespace {

unsigned char first_of(std::string_view s) noexcept { return static_cast<unsigned char>(s.front()); }

}  // namespace

// ---- nodes ----

std::vector<topic_tree::child>::iterator topic_tree::child_place(node_id n, unsigned char first) noexcept {
  return std::ranges::lower_bound(nodes_[n].children, first, {}, &child::first);
}

topic_tree::node_id topic_tree::child_of(node_id n, unsigned char first) const noexcept {
  const std::vector<child>& children = nodes_[n].children;
  const auto at = std::ranges::lower_bound(children, first, {}, &child::first);
  return at != children.end() && at->first == first ? at->node : none;
}

topic_tree::node_id topic_tree::find(std::string_view topic) const noexcept {
  node_id n = root;
  while (!topic.empty()) {
    n = child_of(n, first_of(topic));
    if (n == none || !topic.starts_with(nodes_[n].label)) return none;
    topic.remove_prefix(nodes_[n].label.size());
  }
  return n;
}

// A node that its parent does not know yet.
topic_tree::node_id topic_tree::make(node_id parent, std::string_view label) {
  std::string copy(label);
  if (free_.empty()) {
    if (free_.capacity() <= nodes_.size()) free_.reserve(2 * nodes_.size() + 1);
    nodes_.emplace_back();
    free_.push_back(static_cast<node_id>(nodes_.size() - 1));
  }
  const node_id made = free_.back();
  free_.pop_back();
  nodes_[made].label = std::move(copy);
  nodes_[made].parent = parent;
  return made;
}

void topic_tree::give_back(node_id n) noexcept {
  nodes_[n] = node();
  free_.push_back(n);
}

// Puts a node for the first `at` bytes of n's label between n and its parent.
topic_tree::node_id topic_tree::split(node_id n, std::size_t at) {
  const node_id parent = nodes_[n].parent;
  std::vector<child> only{{static_cast<unsigned char>(nodes_[n].label[at]), n}};
  const std::string label = nodes_[n].label.substr(0, at);
  const node_id between = make(parent, label);
  nodes_[between].children = std::move(only);
  nodes_[n].label.erase(0, at);
  nodes_[n].parent = between;
  child_place(parent, first_of(label))->node = between;
  return between;
}

topic_tree::node_id topic_tree::find_or_make(std::string_view topic) {
  node_id n = root;
  try {
    while (!topic.empty()) {
      const node_id next = child_of(n, first_of(topic));
      if (next == none) {
        std::vector<child>& children = nodes_[n].children;
        if (children.size() == children.capacity()) children.reserve(2 * children.size() + 1);
        const node_id leaf = make(n, topic);
        nodes_[n].children.insert(child_place(n, first_of(topic)), {first_of(topic), leaf});
        return leaf;
      }
      const std::string& label = nodes_[next].label;
      const auto common = static_cast<std::size_t>(std::ranges::mismatch(label, topic).in1 - label.begin());
      n = common < label.size() ? split(next, common) : next;
      topic.remove_prefix(common);
    }
  } catch (...) {
    prune(n);
    throw;
  }
  return n;
}

// Makes invariant 1 hold again for a node that may have lost its last subscriber, and for those above it.
void topic_tree::prune(node_id n) noexcept {
  while (n != root && nodes_[n].subscribers.empty() && nodes_[n].children.size() < 2) {
    const node_id parent = nodes_[n].parent;
    const auto place = child_place(parent, first_of(nodes_[n].label));
    if (nodes_[n].children.empty()) {
      nodes_[parent].children.erase(place);
      give_back(n);
      n = parent;
      continue;
    }
    const node_id below = nodes_[n].children.front().node;
    try {
      nodes_[below].label.insert(0, nodes_[n].label);
    } catch (const std::bad_alloc&) {
      return;  // two nodes do what one would
    }
    nodes_[below].parent = parent;
    place->node = below;
    give_back(n);
    return;
  }
}

std::size_t topic_tree::length(node_id n) const noexcept {
  std::size_t size = 0;
  for (; n != none; n = nodes_[n].parent) size += nodes_[n].label.size();
  return size;
}

void topic_tree::spell(node_id n, std::string& into) const {
  std::size_t at = length(n);
  into.resize(at);
  for (; n != none; n = nodes_[n].parent) {
    const std::string& label = nodes_[n].label;
    at -= label.size();
    label.copy(into.data() + at, label.size());
  }
}

std::string_view topic_tree::spell(node_id n) noexcept {
  spell(n, spelled_);
  return spelled_;
}

// ---- subscribers ----

std::vector<topic_tree::subscriber>::iterator topic_tree::subscriber_place(node_id n, peer p) noexcept {
  return std::ranges::lower_bound(nodes_[n].subscribers, p, {}, &subscriber::who);
}

topic_tree::added topic_tree::add(peer p, std::string_view topic) {
  if (peers_.size() <= p) peers_.resize(std::size_t{p} + 1);
  if (spelled_.capacity() < topic.size()) spelled_.reserve(topic.size());
  const node_id n = find_or_make(topic);
  auto at = subscriber_place(n, p);
  if (at != nodes_[n].subscribers.end() && at->who == p) {
    if (at->count != ~std::uint32_t{0}) ++at->count;
    return added::again;
  }

  const bool first = nodes_[n].subscribers.empty();
  std::vector<node_id>& topics = peers_[p].topics;
  try {
    if (topics.size() == topics.capacity()) topics.reserve(2 * topics.size() + 1);
    nodes_[n].subscribers.insert(at, {p, 1, static_cast<std::uint32_t>(topics.size())});
  } catch (...) {
    prune(n);
    throw;
  }
  topics.push_back(n);
  peers_[p].bytes += topic.size();
  ++subscriptions_;
  return first ? added::for_all : added::for_peer;
}

topic_tree::removed topic_tree::remove(peer p, std::string_view topic) noexcept {
  const node_id n = find(topic);
  if (n == none) return removed::unknown;
  const auto at = subscriber_place(n, p);
  if (at == nodes_[n].subscribers.end() || at->who != p) return removed::unknown;
  if (--at->count > 0) return removed::counted;
  const bool last = nodes_[n].subscribers.size() == 1;
  unlink(n, at);
  return last ? removed::for_all : removed::for_peer;
}

// The peer no longer wants the topic of n; its last topic takes that one's place in the list.
void topic_tree::unlink(node_id n, std::vector<subscriber>::iterator s) noexcept {
  peer_state& state = peers_[s->who];
  const node_id moved = state.topics.back();
  subscriber_place(moved, s->who)->at = s->at;
  state.topics[s->at] = moved;
  state.topics.pop_back();
  state.bytes -= length(n);
  nodes_[n].subscribers.erase(s);
  --subscriptions_;
  prune(n);
}

std::vector<topic_tree::wanted> topic_tree::topics(peer p) const {
  std::vector<wanted> all;
  if (p >= peers_.size()) return all;
  all.reserve(peers_[p].topics.size());
  for (const node_id n : peers_[p].topics) {
    const auto at = std::ranges::lower_bound(nodes_[n].subscribers, p, {}, &subscriber::who);
    spell(n, all.emplace_back(std::string(), at->count).topic);
  }
  return all;
}

// ---- messages ----

void topic_tree::match(std::string_view subject, std::vector<peer>& to) {
  const std::size_t start = to.size();
  bool marked = false;  // whoever is in `to`; not needed as long as one node has given them all
  for (node_id n = root;;) {
    const std::vector<subscriber>& here = nodes_[n].subscribers;
    if (!here.empty() && to.size() > start && !marked) {
      ++matches_;
      for (std::size_t i = start; i < to.size(); ++i) peers_[to[i]].matched = matches_;
      marked = true;
    }
    for (const subscriber& s : here) {
      if (marked && std::exchange(peers_[s.who].matched, matches_) == matches_) continue;
      to.push_back(s.who);
    }
    if (subject.empty()) return;
    n = child_of(n, first_of(subject));
    if (n == none || !subject.starts_with(nodes_[n].label)) return;
    subject.remove_prefix(nodes_[n].label.size());
  }
}

bool topic_tree::matches(std::string_view subject) const noexcept {
  for (node_id n = root;;) {
    if (!nodes_[n].subscribers.empty()) return true;
    if (subject.empty()) return false;
    n = child_of(n, first_of(subject));
    if (n == none || !subject.starts_with(nodes_[n].label)) return false;
    subject.remove_prefix(nodes_[n].label.size());
  }
}

}  // namespace weir::net::internal
