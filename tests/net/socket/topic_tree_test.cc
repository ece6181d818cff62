#include "weir/net/socket/internal/topic_tree.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/short_memory.h"
#include "tests/testing.h"
#include "weir/runtime/actor.h"

using weir::net::internal::topic_tree;
using added = topic_tree::added;
using removed = topic_tree::removed;
using peers = std::vector<topic_tree::peer>;

namespace {

peers matching(topic_tree& s, std::string_view subject) {
  peers found;
  s.match(subject, found);
  std::sort(found.begin(), found.end());
  return found;
}

// The same, without a thought for speed.
struct model {
  std::map<topic_tree::peer, std::map<std::string, std::uint32_t>> wants;

  bool anybody(const std::string& topic) const {
    return std::any_of(wants.begin(), wants.end(), [&](const auto& p) { return p.second.count(topic) > 0; });
  }
  added add(topic_tree::peer p, const std::string& topic) {
    const bool any = anybody(topic);
    if (++wants[p][topic] > 1) return added::again;
    return any ? added::for_peer : added::for_all;
  }
  removed remove(topic_tree::peer p, const std::string& topic) {
    const auto at = wants[p].find(topic);
    if (at == wants[p].end()) return removed::unknown;
    if (--at->second > 0) return removed::counted;
    wants[p].erase(at);
    return anybody(topic) ? removed::for_peer : removed::for_all;
  }
  std::set<std::string> remove_peer(topic_tree::peer p) {
    std::set<std::string> unwanted;
    const auto had = std::move(wants[p]);
    wants.erase(p);
    for (const auto& [topic, count] : had)
      if (!anybody(topic)) unwanted.insert(topic);
    return unwanted;
  }
  peers match(std::string_view subject) const {
    peers found;
    for (const auto& [p, topics] : wants)
      if (std::any_of(topics.begin(), topics.end(), [&](const auto& t) { return subject.starts_with(t.first); }))
        found.push_back(p);
    return found;
  }
  std::set<std::string> all() const {
    std::set<std::string> topics;
    for (const auto& [p, had] : wants)
      for (const auto& [topic, count] : had) topics.insert(topic);
    return topics;
  }
};

std::map<std::string, std::uint32_t> topics_of(const topic_tree& s, topic_tree::peer p) {
  std::map<std::string, std::uint32_t> all;
  for (const auto& [topic, count] : s.topics(p)) all[topic] = count;
  return all;
}

// The topics that nobody wants when it has gone.
std::set<std::string> without(topic_tree& s, topic_tree::peer p) {
  std::set<std::string> unwanted;
  s.remove_peer(p, [&](std::string_view topic) { unwanted.emplace(topic); });
  return unwanted;
}

// Few letters, so that topics begin alike; now and then a long one.
std::string some_topic(std::mt19937& random) {
  std::string topic(random() % 100 == 0 ? 50 + random() % 3000 : random() % 9, 'a');
  for (std::size_t at = 0; at < topic.size(); ++at)
    if (at < 9 || random() % 100 == 0) topic[at] = "ab\xFF\0"[random() % 4];
  return topic;
}

}  // namespace

TEST_CASE("a message goes to each peer that wants a topic it begins with, once") {
  topic_tree s;
  CHECK(matching(s, "") == peers{});
  CHECK_FALSE(s.matches("abc"));
  CHECK(s.add(1, "ab") == added::for_all);
  CHECK(s.add(2, "abc") == added::for_all);
  CHECK(s.add(3, "ab") == added::for_peer);
  CHECK(s.add(3, "abcd") == added::for_all);
  CHECK(s.add(3, "abcdef") == added::for_all);
  CHECK(matching(s, "") == peers{});
  CHECK(matching(s, "a") == peers{});
  CHECK(matching(s, "ab") == peers{1, 3});
  CHECK(matching(s, "abc") == peers{1, 2, 3});
  CHECK(matching(s, "abcdefg") == peers{1, 2, 3});
  CHECK(matching(s, "abd") == peers{1, 3});
  CHECK(matching(s, "b") == peers{});
  CHECK(s.matches("ab"));
  CHECK_FALSE(s.matches("a"));
  CHECK(s.add(0, "") == added::for_all);  // all messages
  CHECK(matching(s, "") == peers{0});
  CHECK(matching(s, "ab") == peers{0, 1, 3});
  CHECK(s.matches(""));
}

TEST_CASE("a topic that a peer asked for twice is to be given up twice") {
  topic_tree s;
  CHECK(s.add(7, "a") == added::for_all);
  CHECK(s.add(7, "a") == added::again);
  CHECK(s.add(8, "a") == added::for_peer);
  CHECK(s.remove(7, "a") == removed::counted);
  CHECK(matching(s, "a") == peers{7, 8});
  CHECK(s.remove(7, "a") == removed::for_peer);
  CHECK(s.remove(7, "a") == removed::unknown);
  CHECK(s.remove(7, "b") == removed::unknown);
  CHECK(s.remove(9, "a") == removed::unknown);
  CHECK(matching(s, "a") == peers{8});
  CHECK(s.remove(8, "a") == removed::for_all);
  CHECK(matching(s, "a") == peers{});
  CHECK(s.nodes() == 1);
}

TEST_CASE("a peer that goes takes all its topics along, and it is told which of them nobody wants now") {
  topic_tree s;
  for (const char* topic : {"", "a", "abc", "b"}) s.add(0, topic);
  for (const char* topic : {"a", "ab", "b"}) s.add(1, topic);
  CHECK(s.size() == 7);
  CHECK(s.size(0) == 4);
  CHECK(s.bytes(0) == 5);
  CHECK(topics_of(s, 1) == std::map<std::string, std::uint32_t>{{"a", 1}, {"ab", 1}, {"b", 1}});
  CHECK(without(s, 0) == std::set<std::string>{"", "abc"});
  CHECK(s.size(0) == 0);
  CHECK(s.bytes(0) == 0);
  CHECK(matching(s, "abc") == peers{1});
  CHECK(without(s, 0).empty());
  CHECK(without(s, 100).empty());
  CHECK(s.topics(100).empty());
  CHECK(without(s, 1).size() == 3);
  CHECK(s.nodes() == 1);
}

TEST_CASE("a tree of topics does what a map of maps does, and takes no more nodes than twice the topics") {
  std::mt19937 random(20261121);
  for (int run = 0; run < testing::rounds(20); ++run) {
    topic_tree s;
    model m;
    bool same = true;
    for (int step = 0; step < 1000; ++step) {
      const auto p = static_cast<topic_tree::peer>(random() % 12);
      std::string topic = some_topic(random);
      // As likely one that is there.
      if (const auto& had = m.wants[p]; !had.empty() && random() % 2 == 0)
        topic = std::next(had.begin(), static_cast<std::ptrdiff_t>(random() % had.size()))->first;
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
          same = same && s.add(p, topic) == m.add(p, topic);
          break;
        case 3:
        case 4:
          same = same && s.remove(p, topic) == m.remove(p, topic);
          break;
        case 5:
          if (random() % 30 == 0) same = same && without(s, p) == m.remove_peer(p);
          break;
        default:
          topic += some_topic(random);
          same = same && matching(s, topic) == m.match(topic) && s.matches(topic) == !m.match(topic).empty();
      }
      if (step % 50 != 0) continue;
      std::size_t pairs = 0;
      for (const auto& [who, had] : m.wants) {
        std::size_t bytes = 0;
        for (const auto& [name, count] : had) bytes += name.size();
        same = same && topics_of(s, who) == had && s.size(who) == had.size() && s.bytes(who) == bytes;
        pairs += had.size();
      }
      same = same && s.size() == pairs && s.nodes() <= 2 * m.all().size() + 1;
    }
    for (const auto& [who, had] : m.wants) without(s, who);
    same = same && s.size() == 0 && s.nodes() == 1;
    REQUIRE(same);
  }
}

TEST_CASE("without memory a subscription is not added, and the others are as they were") {
  std::mt19937 random(20261122);
  int refused = 0;
  for (int run = 0; run < testing::rounds(50); ++run) {
    topic_tree s;
    model m;
    bool same = true;
    for (int step = 0; step < 100; ++step) {
      const auto p = static_cast<topic_tree::peer>(random() % 4);
      const std::string topic = some_topic(random);
      if (random() % 3 == 0) {
        removed r{};
        {
          const testing::short_memory none;
          r = s.remove(p, topic);
        }
        same = same && r == m.remove(p, topic);
        continue;
      }
      added a{};
      for (int left = 0; !testing::with_allocations(left, [&] { a = s.add(p, topic); }); ++left) {
        ++refused;
        same = same && matching(s, topic) == m.match(topic) && topics_of(s, p) == m.wants[p];
      }
      same = same && a == m.add(p, topic);
    }
    for (topic_tree::peer p = 0; p < 4; ++p) {
      std::size_t unwanted = 0;
      {
        const testing::short_memory none;
        s.remove_peer(p, [&](std::string_view) { ++unwanted; });
      }
      same = same && unwanted == m.remove_peer(p).size();
    }
    REQUIRE(same);
    REQUIRE(s.nodes() == 1);
  }
  CHECK(refused > 100);
}

TEST_CASE("topics may be deep on a small stack") {
  testing::in_actor([] {
    weir::spawn("small",
                [] {
                  topic_tree s;
                  const std::string longest(64 * 1024, 'x');
                  constexpr std::size_t depth = 2000;
                  for (std::size_t size = 1; size <= depth; ++size)
                    s.add(size % 3, std::string_view(longest).substr(0, size));
                  s.add(3, longest);
                  s.add(4, std::string(10 << 20, 'x'));
                  peers found;
                  s.match(longest, found);
                  EXPECT(found.size() == 4);
                  EXPECT(s.remove(4, std::string(10 << 20, 'x')) == removed::for_all);
                  for (topic_tree::peer p = 0; p < 4; ++p) without(s, p);
                  EXPECT(s.nodes() == 1);
                  for (std::size_t size = 1; size <= depth; ++size) s.add(0, std::string_view(longest).substr(0, size));
                },
                {.stack = 16 * 1024})
        .join();  // it goes on that stack too
  });
}
