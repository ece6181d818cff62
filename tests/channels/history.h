// Was there an order in which what concurrent calls on channels reported could have happened one by one?
//   fact         what a call says about a channel: "v went in", "it was empty", ...
//   operation    one call: when it began, when it returned, and the facts that held together at one moment in between
//   contradiction()  empty if the history is linearizable; else the history, and the return that cannot be explained
//
// Thread-safety: none; a history is checked when it is over.
//
// The sequential model: a channel is a queue of at most `capacity` values, open or closed. At capacity 0 the one who
// puts and the one who takes act at the same moment, and one of the two must have been able to wait. How long who
// stands in which line cannot be seen from outside, so the model has no waiters; that nobody waits who could go on is
// for the test to ask when all is quiet.
//
// Origin: G. Lowe, "Testing for linearizability" (2017): just-in-time linearization after J. Wing and C. Gong (1993),
// with the configurations reached remembered. Operations are given their moment only when one of them returns.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace testing {

struct fact {
  enum class kind : std::uint8_t {
    put,             // `value` went in
    take,            // `value` came out
    no_room,         // open, and nothing could be put
    nothing,         // open, and nothing could be taken
    closed_to_send,  // closed
    closed_to_recv,  // closed and drained
    close,           // closes
    drop_sender,     // one sender less: the last one closes
    drop_receiver,   // one receiver less: the last one closes and destroys what is buffered
    length,          // `value` values are buffered
  };
  kind what;
  int channel;
  int value = 0;
};

struct operation {
  int player = 0;
  std::string call;
  int invoked = 0, returned = 0;  // from one clock for all players; all different
  bool waits = false;             // was able to wait for a peer
  std::vector<fact> facts;        // none: it did nothing, at any moment
};

struct channel_setup {
  int capacity = 0;
  int senders = 1, receivers = 1;  // handles at the beginning
  // The values' type has a destructor: what a receive that has not returned left in its cell may be in a sender's way.
  bool shells = false;
};

class history_checker {
 public:
  history_checker(const std::vector<channel_setup>& setup, const std::vector<operation>& history)
      : setup_(setup), history_(history) {}

  std::string contradiction() {
    std::map<int, std::pair<const operation*, bool>> events;  // by time; bool: it returns
    for (const operation& op : history_) events[op.invoked] = {&op, false}, events[op.returned] = {&op, true};
    std::set<configuration> reached;
    configuration begin;
    for (const channel_setup& c : setup_) begin.channels.push_back({c.senders, c.receivers, false, {}});
    reached.insert(begin);
    for (const auto& [time, event] : events) {
      const auto [op, returns] = event;
      if (!returns) {
        *std::find(pending_, pending_ + most_pending, nullptr) = op;
        continue;
      }
      const int slot = static_cast<int>(std::find(pending_, pending_ + most_pending, op) - pending_);
      std::set<configuration> after = linearized(reached, slot);
      if (after.empty()) return explain(*op, reached);
      reached = std::move(after);
      pending_[slot] = nullptr;
    }
    return "";
  }

 private:
  static constexpr int most_pending = 32;

  struct channel_state {
    int senders, receivers;
    bool closed;
    std::deque<int> buffer;
    auto operator<=>(const channel_state&) const = default;
  };
  // Bit i of `done`: pending_[i] has had its moment.
  struct configuration {
    std::uint32_t done = 0;
    std::vector<channel_state> channels;
    auto operator<=>(const configuration&) const = default;
  };

  // All configurations in which the operation in `slot` has had its moment, with no more others than necessary before
  // it.
  std::set<configuration> linearized(const std::set<configuration>& from, int slot) const {
    const std::uint32_t bit = 1u << slot;
    std::set<configuration> seen = from, after;
    std::vector<configuration> open(from.begin(), from.end());
    while (!open.empty()) {
      configuration now = std::move(open.back());
      open.pop_back();
      if (now.done & bit) {
        now.done &= ~bit;
        after.insert(std::move(now));
        continue;
      }
      for (int i = 0; i < most_pending; ++i) {
        if (pending_[i] == nullptr || (now.done >> i & 1)) continue;
        configuration next = now;
        if (happens(next, i) && seen.insert(next).second) open.push_back(std::move(next));
      }
    }
    return after;
  }

  // Lets pending_[i] happen now, if it can.
  bool happens(configuration& c, int i) const {
    c.done |= 1u << i;
    for (const fact& f : pending_[i]->facts)
      if (!holds(c, *pending_[i], f)) return false;
    return true;
  }

  bool holds(configuration& c, const operation& op, const fact& f) const {
    channel_state& ch = c.channels[static_cast<std::size_t>(f.channel)];
    const channel_setup& setup = setup_[static_cast<std::size_t>(f.channel)];
    const auto room = static_cast<std::size_t>(setup.capacity);
    switch (f.what) {
      case fact::kind::put:  // at capacity 0 it happens with its taker
        if (ch.closed || ch.buffer.size() >= room) return false;
        ch.buffer.push_back(f.value);
        return true;
      case fact::kind::take:
        if (setup.capacity == 0) return !ch.closed && giver_happens(c, op, f);
        if (ch.buffer.empty() || ch.buffer.front() != f.value) return false;
        ch.buffer.pop_front();
        return true;
      case fact::kind::no_room:
        return !ch.closed && (ch.buffer.size() == room || (setup.shells && somebody_takes(f.channel)));
      case fact::kind::nothing:
        return !ch.closed && ch.buffer.empty();
      case fact::kind::closed_to_send:
        return ch.closed;
      case fact::kind::closed_to_recv:
        return ch.closed && ch.buffer.empty();
      case fact::kind::close:
        ch.closed = true;
        return true;
      case fact::kind::drop_sender:
        ch.closed |= --ch.senders == 0;
        return true;
      case fact::kind::drop_receiver:
        if (--ch.receivers == 0) ch.closed = true, ch.buffer.clear();
        return true;
      case fact::kind::length:
        return ch.buffer.size() == static_cast<std::size_t>(f.value);
    }
    return false;
  }

  // Rendezvous: who put the value is under way, too, and has its moment with the taker.
  bool giver_happens(configuration& c, const operation& taker, const fact& taken) const {
    for (int i = 0; i < most_pending; ++i) {
      const operation* const giver = pending_[i];
      if (giver == nullptr || (c.done >> i & 1) || giver->facts.size() != 1 || !(giver->waits || taker.waits)) continue;
      const fact& f = giver->facts[0];
      if (f.what != fact::kind::put || f.channel != taken.channel || f.value != taken.value) continue;
      c.done |= 1u << i;
      return true;
    }
    return false;
  }

  bool somebody_takes(int channel) const {
    return std::any_of(pending_, pending_ + most_pending, [channel](const operation* op) {
      return op && std::any_of(op->facts.begin(), op->facts.end(),
                               [channel](const fact& f) { return f.what == fact::kind::take && f.channel == channel; });
    });
  }

  static std::string text(const fact& f) {
    static constexpr const char* names[] = {"put",   "took",   "no room",        "nothing",          "closed to send",
                                            "ended", "closed", "dropped sender", "dropped receiver", "length"};
    const bool valued = f.what == fact::kind::put || f.what == fact::kind::take || f.what == fact::kind::length;
    return std::string(names[static_cast<int>(f.what)]) + (valued ? " " + std::to_string(f.value) : "") + " @" +
           std::to_string(f.channel);
  }

  static std::string text(const operation& op) {
    std::string all;
    for (const fact& f : op.facts) all += (all.empty() ? "" : ", ") + text(f);
    return std::to_string(op.invoked) + ".." + std::to_string(op.returned) + "\tplayer " + std::to_string(op.player) +
           "\t" + op.call + "\t" + (all.empty() ? "did nothing" : all) + (op.waits ? "" : "\t(a try)") + "\n";
  }

  std::string explain(const operation& culprit, const std::set<configuration>& before) const {
    std::string all = "no order explains this history; channels:";
    for (const channel_setup& c : setup_) all += " " + std::to_string(c.capacity) + (c.shells ? "*" : "");
    all += "\n";
    std::vector<operation> sorted = history_;
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.invoked < b.invoked; });
    for (const operation& op : sorted) all += text(op);
    all += "at the return of " + text(culprit) + "possible before it:\n";
    for (const configuration& c : before) {
      for (const channel_state& ch : c.channels) {
        all += ch.closed ? " closed(" : " open(";
        for (int v : ch.buffer) all += " " + std::to_string(v);
        all += " )";
      }
      all += "; had their moment and not returned:";
      for (int i = 0; i < most_pending; ++i)
        if (pending_[i] && (c.done >> i & 1)) all += " " + std::to_string(pending_[i]->invoked);
      all += "\n";
    }
    return all;
  }

  const std::vector<channel_setup>& setup_;
  const std::vector<operation>& history_;
  const operation* pending_[most_pending] = {};
};

// REQUIRES: at most 32 operations under way at once.
inline std::string contradiction(const std::vector<channel_setup>& setup, const std::vector<operation>& history) {
  return history_checker(setup, history).contradiction();
}

}  // namespace testing
