// weir::net::internal::topic_tree: who wants which topics.
//   add, remove        a peer wants a topic once more, once less
//   match              which peers want this message: those that have a topic it begins with
//   matches            whether anybody does
//   topics, remove_peer
//                      what a peer wants; it goes, and all of that with it
//
// Thread-safety: none; the socket's lock guards it.
//
// Invariants:
//  1. A node stands for the bytes on the way from the root to it. One that is not the root has subscribers or children,
//     and unless there was no memory to join them, not only one child: so there are at most twice as many nodes as
//     topics, however long these are, and their labels together are no longer than the topics.
//  2. No label but the root's is empty, and those of a node's children begin with different bytes, by which they are in
//     order.
//  3. Peer p wants the topic of node n: n's subscribers, in the order of their numbers, have {p, .., at}, and
//     peers_[p].topics[at] is n.
//
// Nothing here is recursive: what a peer sends decides how deep the tree is, and an actor's stack is small
// (GHSA-qq65-x72m-9wr8 was libzmq's).
//
// Origin: radix tree (Morrison's PATRICIA, 1968, by bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::net::internal {

class topic_tree {
 public:
  // Peers have numbers, which should be small: there is an entry for each up to the largest.
  using peer = std::uint32_t;

  // What an add has changed, and a remove.
  enum class added : std::uint8_t { again, for_peer, for_all };  // the peer had it; others did; nobody did
  enum class removed : std::uint8_t {
    unknown,
    counted,
    for_peer,
    for_all
  };  // had not; has it still; others do; nobody

  struct wanted {
    std::string topic;
    std::uint32_t count;  // how many times it was added
  };

  topic_tree() { nodes_.emplace_back(); }

  // If it throws std::bad_alloc, nothing has changed.
  added add(peer p, std::string_view topic);
  removed remove(peer p, std::string_view topic) noexcept;

  // Appends the number of each peer that wants what begins with `subject`, once, in no certain order.
  void match(std::string_view subject, std::vector<peer>& to);
  bool matches(std::string_view subject) const noexcept;

  std::vector<wanted> topics(peer p) const;  // in no certain order
  // Afterwards the peer wants nothing. Calls gone(std::string_view) for the topics that now nobody wants; it must not
  // throw, nor change the tree.
  template <class Gone>
  void remove_peer(peer p, Gone gone) noexcept {
    if (p >= peers_.size()) return;
    std::vector<node_id>& all = peers_[p].topics;
    while (!all.empty()) {
      const node_id n = all.back();
      if (nodes_[n].subscribers.size() == 1) gone(spell(n));
      unlink(n, subscriber_place(n, p));
    }
    all = {};
  }

  std::size_t size() const noexcept { return subscriptions_; }  // pairs of a peer and a topic
  std::size_t size(peer p) const noexcept { return p < peers_.size() ? peers_[p].topics.size() : 0; }
  std::size_t bytes(peer p) const noexcept { return p < peers_.size() ? peers_[p].bytes : 0; }  // of its topics
  std::size_t nodes() const noexcept { return nodes_.size() - free_.size(); }

 private:
  using node_id = std::uint32_t;
  static constexpr node_id root = 0, none = ~node_id{0};

  struct child {
    unsigned char first;
    node_id node;
  };
  struct subscriber {
    peer who;
    std::uint32_t count;
    std::uint32_t at;  // in peers_[who].topics
  };
  struct node {
    std::string label;
    node_id parent = none;
    std::vector<child> children;
    std::vector<subscriber> subscribers;
  };
  struct peer_state {
    std::vector<node_id> topics;
    std::size_t bytes = 0;
    std::uint64_t matched = 0;  // the last match() that has found it
  };

  node_id child_of(node_id n, unsigned char first) const noexcept;
  std::vector<child>::iterator child_place(node_id n, unsigned char first) noexcept;
  node_id find(std::string_view topic) const noexcept;
  node_id find_or_make(std::string_view topic);
  node_id make(node_id parent, std::string_view label);
  node_id split(node_id n, std::size_t at);
  void prune(node_id n) noexcept;
  void give_back(node_id n) noexcept;
  std::vector<subscriber>::iterator subscriber_place(node_id n, peer p) noexcept;
  void unlink(node_id n, std::vector<subscriber>::iterator s) noexcept;
  std::size_t length(node_id n) const noexcept;
  std::string_view spell(node_id n) noexcept;
  void spell(node_id n, std::string& into) const;

  std::vector<node> nodes_;    // the root is the first
  std::vector<node_id> free_;  // has room for all of them, so that giving one back needs no memory
  std::vector<peer_state> peers_;
  std::string spelled_;  // has room for the longest topic there ever was, so that spelling one needs no memory
  std::size_t subscriptions_ = 0;
  std::uint64_t matches_ = 0;
};

}  // namespace weir::net::internal
