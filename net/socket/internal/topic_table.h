// weir::net::internal::topic_table: who wants which topics, of whoever has a name; a message is wanted by whoever has a
// prefix of it. What is looked up is topic_tree.h, which knows numbers.
//
// Thread-safety: none; under the mutex of its socket.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/net/socket/internal/topic_tree.h"

namespace weir::net::internal {

template <class Who>
class topic_table {
 public:
  // True: nobody had that topic before. `first_of_who`: this one had not.
  bool add(std::string_view topic, Who who, bool* first_of_who = nullptr) {
    const topic_tree::added a = tree_.add(number_of(who), topic);
    if (first_of_who) *first_of_who = a != topic_tree::added::again;
    return a == topic_tree::added::for_all;
  }
  enum class removed { unknown, one_of_several, last_of_who, last };
  removed remove(std::string_view topic, Who who) {
    const auto at = numbers_.find(who);
    if (at == numbers_.end()) return removed::unknown;
    switch (tree_.remove(at->second, topic)) {
      case topic_tree::removed::unknown:
        return removed::unknown;
      case topic_tree::removed::counted:
        return removed::one_of_several;
      case topic_tree::removed::for_peer:
        return removed::last_of_who;
      case topic_tree::removed::for_all:
        break;
    }
    return removed::last;
  }
  // Of all the topics that `who` has, together.
  std::size_t octets(Who who) const noexcept {
    const auto at = numbers_.find(who);
    return at == numbers_.end() ? 0 : tree_.bytes(at->second);
  }
  // All that `who` has; calls gone(std::string_view) for those that nobody else wants, which must not throw.
  template <class Gone>
  void remove_all(Who who, Gone gone) noexcept {
    const auto at = numbers_.find(who);
    if (at == numbers_.end()) return;
    tree_.remove_peer(at->second, gone);
    free_.push_back(at->second);  // there is room
    numbers_.erase(at);
  }

  // Calls each(who) for all who want it, once; stops when that says false.
  template <class Each>
  void match(std::string_view subject, Each each) {
    found_.clear();
    tree_.match(subject, found_);
    for (const topic_tree::peer p : found_)
      if (!each(whos_[p])) return;
  }
  bool wanted(std::string_view subject) const noexcept { return tree_.matches(subject); }
  // Calls each(topic, who, times).
  template <class Each>
  void for_all(Each each) const {
    for (const auto& [who, number] : numbers_)
      for (const topic_tree::wanted& w : tree_.topics(number)) each(w.topic, who, std::size_t{w.count});
  }

 private:
  topic_tree::peer number_of(Who who) {
    if (const auto at = numbers_.find(who); at != numbers_.end()) return at->second;
    if (free_.empty()) {
      if (free_.capacity() <= whos_.size()) free_.reserve(2 * whos_.size() + 1);
      whos_.push_back(who);
      free_.push_back(static_cast<topic_tree::peer>(whos_.size() - 1));
    }
    const topic_tree::peer number = free_.back();
    numbers_.emplace(who, number);
    whos_[number] = who;
    free_.pop_back();
    return number;
  }

  topic_tree tree_;
  std::map<Who, topic_tree::peer> numbers_;
  std::vector<Who> whos_;                // by number; of a free one the last that had it
  std::vector<topic_tree::peer> free_;   // has room for all of them, so that giving one back needs no memory
  std::vector<topic_tree::peer> found_;  // by match()
};

}  // namespace weir::net::internal
