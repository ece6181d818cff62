// Tests of the explorer itself: it counts interleavings as combinatorics does, finds what is there, and only that.

#include "tests/explorer/explorer.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/explorer/atomic.h"

namespace {

using explorer::atomic;
using explorer::explore;
using explorer::plain;
using explorer::result;
using explorer::run;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

const explorer::options all{.preemptions = explorer::unbounded};
const explorer::options all_reduced{.preemptions = explorer::unbounded, .reduce = true};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// `threads` threads that add one to a counter `operations` times each.
auto counting(int threads, int operations) {
  return [=](run& r) {
    auto count = std::make_shared<atomic<int>>(0);
    for (int t = 0; t < threads; ++t)
      r.thread("t" + std::to_string(t), [=] {
        for (int i = 0; i < operations; ++i) count->fetch_add(1);
      });
    r.after([=] { explorer::check(count->load() == threads * operations, "every addition counts"); });
  };
}

// --- a small program language, and an enumeration of its interleavings that shares nothing with the engine ---

enum class verb { load, store, add, swap_if_zero, block_while_zero, spin_while_zero };
struct instruction {
  verb what;
  std::size_t cell;
  int value;
};
using program = std::vector<std::vector<instruction>>;  // one list per thread

program random_program(std::mt19937& random, unsigned verbs) {
  program p(2 + random() % 2);
  for (auto& thread : p) {
    thread.resize(1 + random() % (p.size() == 2 ? 4 : 2));
    for (auto& i : thread) i = {static_cast<verb>(random() % verbs), random() % 2, static_cast<int>(1 + random() % 3)};
  }
  return p;
}

// What each instruction saw, thread by thread, then what is left in the cells.
using outcome = std::vector<int>;

outcome outcome_of(const std::vector<std::vector<int>>& seen, int first, int second) {
  outcome o;
  for (const auto& s : seen) o.insert(o.end(), s.begin(), s.end());
  o.push_back(first);
  o.push_back(second);
  return o;
}

struct machine {
  explicit machine(const program& p) : code(&p), next(p.size()), seen(p.size()) {}

  bool finished(std::size_t t) const { return next[t] == (*code)[t].size(); }
  bool can_go_on(std::size_t t) const {
    if (finished(t)) return false;
    const instruction& i = (*code)[t][next[t]];
    return i.what < verb::block_while_zero || cells[i.cell] != 0;
  }
  void step(std::size_t t) {
    const instruction& i = (*code)[t][next[t]++];
    int& cell = cells[i.cell];
    seen[t].push_back(i.what < verb::block_while_zero ? cell : 1);
    if (i.what == verb::store || (i.what == verb::swap_if_zero && cell == 0)) cell = i.value;
    if (i.what == verb::add) cell += i.value;
  }

  const program* code;
  std::array<int, 2> cells{};
  std::vector<std::size_t> next;
  std::vector<std::vector<int>> seen;
};

struct enumeration {
  std::set<outcome> outcomes;
  std::size_t count = 0;
  bool deadlocks = false;

  void from(const machine& m, int preemptions, std::size_t last) {
    bool stuck = true, finished = true;
    for (std::size_t t = 0; t < m.next.size(); ++t) {
      finished = finished && m.finished(t);
      if (!m.can_go_on(t)) continue;
      stuck = false;
      const bool preempts = last < m.next.size() && t != last && m.can_go_on(last);
      if (preempts && preemptions == 0) continue;
      machine n = m;
      n.step(t);
      from(n, preemptions - preempts, t);
    }
    if (!stuck) return;
    ++count;
    if (finished)
      outcomes.insert(outcome_of(m.seen, m.cells[0], m.cells[1]));
    else
      deadlocks = true;
  }
};

result explore_program(const program& p, const explorer::options& how, std::set<outcome>& outcomes) {
  struct state {
    std::array<atomic<int>, 2> cells;
    std::vector<std::vector<int>> seen;
  };
  return explore(how, [&](run& r) {
    auto s = std::make_shared<state>();
    s->seen.resize(p.size());
    for (std::size_t t = 0; t < p.size(); ++t)
      r.thread("t", [&, s, t] {
        for (const instruction& i : p[t]) {
          atomic<int>& cell = s->cells[i.cell];
          int seen = i.what >= verb::block_while_zero;
          switch (i.what) {
            case verb::load:
              seen = cell.load();
              break;
            // A store alone does not tell what it replaced.
            case verb::store:
              seen = cell.exchange(i.value);
              break;
            case verb::add:
              seen = cell.fetch_add(i.value);
              break;
            case verb::swap_if_zero:
              cell.compare_exchange_strong(seen, i.value);
              break;
            case verb::block_while_zero:
              explorer::block_until([&] { return cell.load() != 0; });
              break;
            case verb::spin_while_zero:
              while (cell.load() == 0) explorer::pause();
              break;
          }
          s->seen[t].push_back(seen);
        }
      });
    r.after([&, s] { outcomes.insert(outcome_of(s->seen, s->cells[0].load(), s->cells[1].load())); });
  });
}

// --- programs with and without bugs ---

auto lost_update(bool read_modify_write) {
  return [=](run& r) {
    auto count = std::make_shared<atomic<int>>(0);
    explorer::name(count.get(), "count");
    for (const char* name : {"left", "right"})
      r.thread(name, [=] {
        if (read_modify_write)
          count->fetch_add(1);
        else
          count->store(count->load() + 1);
      });
    r.after([=] { explorer::check(count->load() == 2, "both increments count"); });
  };
}

auto message_passing(std::memory_order store_order, std::memory_order load_order) {
  return [=](run& r) {
    struct state {
      plain<int> payload{0, "payload"};
      atomic<bool> ready{false};
    };
    auto s = std::make_shared<state>();
    r.thread("sender", [=] {
      s->payload.set(42);
      s->ready.store(true, store_order);
    });
    r.thread("receiver", [=] {
      while (!s->ready.load(load_order)) explorer::pause();
      explorer::check(s->payload == 42, "the payload has arrived");
    });
  };
}

struct spin_lock {
  atomic<bool> held{false};
  std::memory_order unlock_order = release;
  void lock() {
    while (held.exchange(true, acquire)) explorer::pause();
  }
  void unlock() { held.store(false, unlock_order); }
};

auto spin_locked_counter(int threads, int rounds, std::memory_order unlock_order = release) {
  return [=](run& r) {
    struct state {
      spin_lock lock;
      plain<int> count{0, "count"};
    };
    auto s = std::make_shared<state>();
    s->lock.unlock_order = unlock_order;
    for (int t = 0; t < threads; ++t)
      r.thread("t" + std::to_string(t), [=] {
        for (int i = 0; i < rounds; ++i) {
          s->lock.lock();
          s->count.set(s->count + 1);
          s->lock.unlock();
        }
      });
    r.after([=] { explorer::check(s->count == threads * rounds, "the lock excludes"); });
  };
}

// A sleeper that looks at a flag and then sleeps until it is woken; `looks_again` after it has announced its sleep.
auto sleeper(bool looks_again) {
  return [=](run& r) {
    struct state {
      atomic<bool> flag{false}, asleep{false}, woken{false};
    };
    auto s = std::make_shared<state>();
    r.thread("sleeper", [=] {
      if (s->flag.load()) return;
      s->asleep.store(true);
      if (looks_again && s->flag.load()) return;
      explorer::at("waiting for its wake");
      explorer::block_until([&] { return s->woken.load(); });
    });
    r.thread("waker", [=] {
      s->flag.store(true);
      if (s->asleep.load()) s->woken.store(true);
    });
  };
}

auto peterson(bool sets_turn) {
  return [=](run& r) {
    struct state {
      atomic<bool> wants[2];
      atomic<int> turn{0};
      atomic<int> inside{0};
    };
    auto s = std::make_shared<state>();
    for (int me : {0, 1})
      r.thread("t" + std::to_string(me), [=] {
        s->wants[me].store(true);
        if (sets_turn) s->turn.store(1 - me);
        while (s->wants[1 - me].load() && s->turn.load() == 1 - me) explorer::pause();
        explorer::check(s->inside.fetch_add(1) == 0, "one at a time");
        s->inside.fetch_sub(1);
        s->wants[me].store(false);
      });
  };
}

}  // namespace

TEST_CASE("two threads of two operations have six interleavings, and as many as the bound allows") {
  const auto bound = [](int preemptions) { return explorer::options{.preemptions = preemptions}; };
  CHECK(explore(all, counting(2, 2)).runs == 6);  // 4! / (2! 2!)
  CHECK(explore(bound(2), counting(2, 2)).runs == 6);
  CHECK(explore(bound(1), counting(2, 2)).runs == 4);  // aabb abba baab bbaa
  CHECK(explore(bound(0), counting(2, 2)).runs == 2);  // aabb bbaa
  CHECK(explore(all, counting(3, 2)).runs == 90);      // 6! / (2! 2! 2!)
  CHECK(explore(all, counting(2, 6)).runs == 924);     // 12! / (6! 6!)
  CHECK(explore(all, counting(1, 5)).runs == 1);
  CHECK(explore(all, counting(0, 0)).runs == 1);
}

TEST_CASE("random programs have the interleavings, outcomes and deadlocks that a plain enumeration finds") {
  std::mt19937 random(20240229);
  std::size_t full_runs = 0, reduced_runs = 0, deadlocks = 0;
  for (int i = 0; i < 600; ++i) {
    const bool spins = i % 3 == 2;
    const program p = random_program(random, i % 3 == 0 ? 4 : i % 3 == 1 ? 5 : 6);
    for (const int bound : {0, 1, 2, explorer::unbounded}) {
      // A spin takes more steps than the enumeration's wait.
      if (spins && bound != explorer::unbounded) continue;
      enumeration expected;
      expected.from(machine(p), bound, p.size());
      std::set<outcome> outcomes, outcomes_reduced;
      const result full = explore_program(p, {.preemptions = bound}, outcomes);
      CAPTURE(i, bound, full.text());
      REQUIRE(full.failed == expected.deadlocks);
      const result reduced =
          bound == explorer::unbounded ? explore_program(p, all_reduced, outcomes_reduced) : result();
      if (bound == explorer::unbounded) REQUIRE(reduced.failed == expected.deadlocks);
      if (full.failed) {
        REQUIRE(contains(full.message, "deadlock"));
        ++deadlocks;
        continue;
      }
      REQUIRE(full.exhausted);
      REQUIRE(outcomes == expected.outcomes);
      if (!spins) REQUIRE(full.runs == expected.count);
      if (bound != explorer::unbounded) continue;
      REQUIRE(reduced.exhausted);
      REQUIRE(outcomes_reduced == expected.outcomes);
      full_runs += full.runs;
      reduced_runs += reduced.runs;
    }
  }
  CHECK(deadlocks > 50);
  CHECK(deadlocks < 1000);
  CHECK(reduced_runs < full_runs * 2 / 3);
}

TEST_CASE("threads that touch different objects are explored once under reduction") {
  const auto apart = [](run& r) {
    auto cells = std::make_shared<std::array<atomic<int>, 3>>();
    for (std::size_t t = 0; t < 3; ++t)
      r.thread("t", [=] {
        (*cells)[t].store(1);
        (*cells)[t].store(2);
      });
  };
  CHECK(explore(all, apart).runs == 90);
  const result found = explore(all_reduced, apart);
  CHECK(found.exhausted);
  CHECK(found.runs - found.redundant == 1);
}

TEST_CASE("an increment made of load and store loses updates") {
  const result found = explore({}, lost_update(false));
  INFO(found.text());
  REQUIRE(found.failed);
  CHECK_FALSE(found.exhausted);
  CHECK(found.message == "check failed in main: both increments count");
  CHECK(contains(found.trace, "left          count.load 0 (seq_cst)\n"));
  CHECK(contains(found.trace, "right         count.store 1 (seq_cst)\n"));

  // Only the two interleavings that do not interleave are right.
  const result counted =
      explore({.preemptions = explorer::unbounded, .stop_at_first_failure = false}, lost_update(false));
  CHECK(counted.runs == 6);
  CHECK(counted.failures == 4);
  CHECK(counted.exhausted);
}

TEST_CASE("an increment by fetch_add loses nothing") {
  const result found = explore(all, lost_update(true));
  CHECK_FALSE(found.failed);
  CHECK(found.exhausted);
  CHECK(found.runs == 2);
}

TEST_CASE("a failing schedule fails identically when it is replayed") {
  for (const auto& program : {std::function<void(run&)>(lost_update(false)), std::function<void(run&)>(sleeper(false)),
                              std::function<void(run&)>(message_passing(relaxed, acquire))}) {
    const result found = explore({}, program);
    REQUIRE(found.failed);
    for (int i = 0; i < 2; ++i) {
      const result again = explorer::replay(found.schedule, program);
      CHECK(again.failed);
      CHECK(again.message == found.message);
      CHECK(again.trace == found.trace);
      CHECK(again.schedule == found.schedule);
    }
  }
}

TEST_CASE("a schedule that does not fit its program is reported") {
  CHECK(contains(explorer::replay("a4b", counting(1, 2)).message, "the schedule does not fit"));
  CHECK(contains(explorer::replay("c", counting(2, 2)).message, "the schedule does not fit"));
  CHECK_THROWS_AS(explorer::replay("a-b", counting(2, 2)), std::invalid_argument);
  CHECK_FALSE(explorer::replay("a2", counting(2, 2)).failed);
}

TEST_CASE("a program that depends on more than the schedule is reported") {
  int runs = 0;
  const result found = explore(all, [&](run& r) {
    auto count = std::make_shared<atomic<int>>(0);
    const bool first = runs++ == 0;
    for (int t : {0, 1})
      r.thread("t", [=] {
        count->fetch_add(1);
        if (first || t == 0) count->fetch_add(1);
      });
    r.after([=] { explorer::check(!first, "fails once"); });
  });
  CHECK(contains(found.message, "depends on more than the schedule"));
}

TEST_CASE("a wake between the look and the sleep is a deadlock that names who waits where") {
  const result found = explore({}, sleeper(false));
  INFO(found.text());
  REQUIRE(found.failed);
  CHECK(found.message == "deadlock: sleeper waits in block_until at \"waiting for its wake\"");
  CHECK_FALSE(explore({.preemptions = 0}, sleeper(false)).failed);
}

TEST_CASE("a second look after the announcement loses no wake") {
  for (const auto& how : {all, all_reduced}) {
    const result found = explore(how, sleeper(true));
    INFO(found.text());
    CHECK_FALSE(found.failed);
    CHECK(found.exhausted);
  }
}

TEST_CASE("message passing races when its release or its acquire is dropped") {
  for (const auto& how : {explorer::options{}, all_reduced}) {
    CHECK(contains(explore(how, message_passing(relaxed, acquire)).message,
                   "data race on payload: written by sender, read by receiver"));
    CHECK(contains(explore(how, message_passing(release, relaxed)).message, "data race on payload"));
    for (const auto order : {release, std::memory_order_seq_cst}) {
      const result found = explore(how, message_passing(order, acquire));
      INFO(found.text());
      CHECK_FALSE(found.failed);
      CHECK(found.exhausted);
    }
  }
}

TEST_CASE("a write races with an earlier read that is not ordered before it") {
  const auto reuse = [](std::memory_order order) {
    return [=](run& r) {
      struct state {
        plain<int> slot{0, "slot"};
        atomic<bool> read{false};
      };
      auto s = std::make_shared<state>();
      r.thread("reader", [=] {
        s->slot.get();
        s->read.store(true, order);
      });
      r.thread("writer", [=] {
        explorer::block_until([&] { return s->read.load(acquire); });
        s->slot.set(1);
      });
    };
  };
  CHECK_FALSE(explore(all, reuse(release)).failed);
  CHECK(contains(explore(all, reuse(relaxed)).message, "data race on slot: read by reader, written by writer"));
}

TEST_CASE("a relaxed read-modify-write continues a release sequence, a relaxed store ends it") {
  const auto relay = [](bool by_store) {
    return [=](run& r) {
      struct state {
        plain<int> payload{0, "payload"};
        atomic<int> stage{0};
      };
      auto s = std::make_shared<state>();
      r.thread("writer", [=] {
        s->payload.set(1);
        s->stage.store(1, release);
        if (by_store)
          s->stage.store(2, relaxed);
        else
          s->stage.fetch_add(1, relaxed);
      });
      r.thread("reader", [=] {
        if (s->stage.load(acquire) == 2) s->payload.get();
      });
    };
  };
  CHECK_FALSE(explore(all, relay(false)).failed);
  CHECK(contains(explore(all, relay(true)).message, "data race on payload"));
}

TEST_CASE("a failed compare_exchange has its failure order") {
  const auto look = [](std::memory_order failure) {
    return [=](run& r) {
      struct state {
        plain<int> payload{0, "payload"};
        atomic<int> stage{0};
      };
      auto s = std::make_shared<state>();
      r.thread("writer", [=] {
        s->payload.set(1);
        s->stage.store(1, release);
      });
      r.thread("reader", [=] {
        int expected = 7;
        s->stage.compare_exchange_strong(expected, 8, acquire, failure);
        if (expected == 1) s->payload.get();
      });
    };
  };
  CHECK_FALSE(explore(all, look(acquire)).failed);
  CHECK(contains(explore(all, look(relaxed)).message, "data race on payload"));
}

TEST_CASE("moving and copying plain data are accesses") {
  const auto pass = [](std::memory_order order) {
    return [=](run& r) {
      struct state {
        plain<std::string> slot{"", "slot"};
        atomic<bool> full{false};
      };
      auto s = std::make_shared<state>();
      r.thread("sender", [=] {
        plain<std::string> mine("a message longer than the small buffer of a string", "mine");
        s->slot = std::move(mine);
        s->full.store(true, order);
      });
      r.thread("receiver", [=] {
        explorer::block_until([&] { return s->full.load(acquire); });
        const plain<std::string> got(std::move(s->slot));
        explorer::check(got.get().size() > 30, "the message is whole");
      });
    };
  };
  CHECK_FALSE(explore(all, pass(release)).failed);
  CHECK(contains(explore(all, pass(relaxed)).message, "data race on slot"));
}

TEST_CASE("touching what its owner may have destroyed is reported in every order") {
  // The waker must touch nothing of the owner's after the store that lets the owner go.
  const auto wake = [](bool touches_after) {
    return [=](run& r) {
      struct state {
        std::optional<atomic<int>> word = std::optional<atomic<int>>(std::in_place, 0);
        atomic<bool> woken{false};
      };
      auto s = std::make_shared<state>();
      explorer::name(&*s->word, "word");
      r.thread("owner", [=] {
        explorer::block_until([&] { return s->woken.load(acquire); });
        s->word.reset();
      });
      r.thread("waker", [=, word = &*s->word] {
        word->fetch_add(1, relaxed);
        s->woken.store(true, release);
        if (touches_after) word->fetch_add(1, relaxed);
      });
    };
  };
  CHECK_FALSE(explore(all, wake(false)).failed);
  // Even without a preemption, in an order where the touch does no harm.
  CHECK(explore({.preemptions = 0}, wake(true)).message ==
        "lifetime: owner destroys word, which waker uses; nothing orders the use before");
  CHECK(explorer::replay("a", wake(true)).message == "use after destruction: fetch_add by waker of word");
  CHECK_FALSE(explore({.preemptions = 0, .lifetimes = false}, wake(true)).failed);
}

TEST_CASE("Peterson's algorithm excludes under sequential consistency") {
  for (const auto& how : {all, all_reduced}) {
    const result found = explore(how, peterson(true));
    INFO(found.text());
    CHECK_FALSE(found.failed);
    CHECK(found.exhausted);
  }
  CHECK(explore({}, peterson(false)).failed);
}

TEST_CASE("a spin lock with pause is explored to its end") {
  for (const auto& how : {explorer::options{}, all, all_reduced}) {
    const result found = explore(how, spin_locked_counter(2, 2));
    INFO(found.text());
    CHECK_FALSE(found.failed);
    CHECK(found.exhausted);
    CHECK(contains(explore(how, spin_locked_counter(2, 2, relaxed)).message, "data race on count"));
  }
  const result three = explore(all_reduced, spin_locked_counter(3, 1));
  CHECK_FALSE(three.failed);
  CHECK(three.exhausted);
}

TEST_CASE("a spin that nobody ends is a deadlock, also when two spin for each other") {
  const result one = explore({}, [](run& r) {
    auto flag = std::make_shared<atomic<bool>>(false);
    r.thread("spinner", [=] {
      while (!flag->load()) explorer::pause();
    });
    r.thread("other", [=] { flag->store(false); });
  });
  CHECK(one.message == "deadlock: spinner spins in pause");

  const result two = explore({}, [](run& r) {
    auto locks = std::make_shared<std::array<spin_lock, 2>>();
    for (std::size_t me : {0u, 1u})
      r.thread("t" + std::to_string(me), [=] {
        (*locks)[me].lock();
        (*locks)[1 - me].lock();
        (*locks)[1 - me].unlock();
        (*locks)[me].unlock();
      });
  });
  CHECK(two.message == "deadlock: t0 spins in pause; t1 spins in pause");
}

TEST_CASE("a bounded spin finds its end when nobody else can go on") {
  // Who of the two that are stuck goes on is a free choice, no preemption.
  std::set<std::string> orders;
  const result found = explore({.preemptions = 0}, [&](run& r) {
    struct state {
      atomic<bool> never{false};
      atomic<int> rank{0};
      int ranks[2] = {};
    };
    auto s = std::make_shared<state>();
    for (int me : {0, 1})
      r.thread("t" + std::to_string(me), [=] {
        for (int i = 0; i < 100 && !s->never.load(); ++i) explorer::pause();
        s->ranks[me] = s->rank.fetch_add(1);
      });
    r.after([&, s] { orders.insert(std::to_string(s->ranks[0]) + std::to_string(s->ranks[1])); });
  });
  INFO(found.text());
  CHECK_FALSE(found.failed);
  CHECK(found.exhausted);
  CHECK(orders == std::set<std::string>{"01", "10"});
  CHECK(found.runs == 4);  // who starts, who goes on
}

TEST_CASE("a write between a load and the pause after it is not missed") {
  // Both flags are read before the pause, so the first may change while the second is read.
  const result found = explore(all, [](run& r) {
    auto flags = std::make_shared<std::array<atomic<bool>, 2>>();
    r.thread("waiter", [=] {
      for (;;) {
        const bool first = (*flags)[0].load();
        const bool second = (*flags)[1].load();
        if (first && second) return;
        explorer::pause();
      }
    });
    r.thread("first", [=] { (*flags)[0].store(true); });
    r.thread("second", [=] { (*flags)[1].store(true); });
  });
  INFO(found.text());
  CHECK_FALSE(found.failed);
  CHECK(found.exhausted);
}

TEST_CASE("what a spinner writes itself does not end its pause") {
  const result found = explore({}, [](run& r) {
    struct state {
      atomic<bool> flag{false};
      atomic<int> turns{0};
    };
    auto s = std::make_shared<state>();
    r.thread("spinner", [=] {
      while (!s->flag.load()) {
        s->turns.fetch_add(1);
        explorer::pause();
      }
    });
    r.thread("setter", [=] { s->flag.store(true); });
  });
  INFO(found.text());
  CHECK_FALSE(found.failed);
  CHECK(found.exhausted);
}

TEST_CASE("a loop that waits without a pause fails as endless") {
  const result found = explore({.max_steps = 100}, [](run& r) {
    auto flag = std::make_shared<atomic<bool>>(false);
    r.thread("spinner", [=] {
      while (!flag->load()) {
      }
    });
    r.thread("setter", [=] { flag->store(true); });
  });
  CHECK(contains(found.message, "no end after 100 steps"));
  CHECK(contains(found.message, "spinner is after load"));
}

TEST_CASE("exceptions stay with their thread, also over a switch in a handler") {
  const result found = explore(all, [](run& r) {
    auto cell = std::make_shared<atomic<int>>(0);
    for (const char* mine : {"one", "two"})
      r.thread(mine, [=] {
        try {
          cell->fetch_add(1);
          throw std::runtime_error(mine);
        } catch (const std::exception&) {
          cell->fetch_add(1);
          try {
            cell->fetch_add(1);
            throw;
          } catch (const std::exception& e) {
            cell->fetch_add(1);
            explorer::check(std::string(e.what()) == mine, "each thread catches its own exception");
          }
        }
        explorer::check(!std::current_exception(), "none is left");
      });
  });
  INFO(found.text());
  CHECK_FALSE(found.failed);
  CHECK(found.runs == 70);  // 8! / (4! 4!)
}

TEST_CASE("an exception that leaves a thread, the set-up or a final check fails the run") {
  const result thread = explore({}, [](run& r) { r.thread("thrower", [] { throw std::runtime_error("oops"); }); });
  CHECK(thread.message == "an exception left thrower: oops");
  CHECK(explore({}, [](run&) { throw std::runtime_error("oops"); }).message == "an exception left main: oops");
  CHECK(explore({}, [](run& r) { r.after([] { throw 1; }); }).message == "an exception left main");
}

TEST_CASE("a failure abandons what is noexcept and destroys nothing of the run") {
  static bool destroyed;
  destroyed = false;
  struct state {
    atomic<int> cell{0};
    std::vector<int> memory = std::vector<int>(100);
    ~state() { destroyed = true; }
  };
  const result found = explore({}, [](run& r) {
    auto s = std::make_shared<state>();
    for (const char* name : {"left", "right"})
      r.thread(name, [s]() noexcept {
        const std::string local(100, 'x');
        auto kept = std::make_unique<int>(s->cell.fetch_add(1));
        explorer::check(*kept == 0, "only one comes");
      });
  });
  CHECK(found.message == "check failed in right: only one comes");
  CHECK_FALSE(destroyed);
}

TEST_CASE("local() and self() belong to the simulated thread") {
  CHECK(explorer::self() == -1);
  CHECK_FALSE(explorer::exploring());
  explorer::local() = nullptr;
  const result found = explore(all, [](run& r) {
    auto cell = std::make_shared<atomic<int>>(0);
    explorer::check(explorer::exploring() && explorer::self() == -1, "set-up is no thread");
    for (int me : {0, 1})
      r.thread("t", [=] {
        int mine = me;
        explorer::check(explorer::local() == nullptr, "fresh in every run");
        explorer::local() = &mine;
        for (int i = 0; i < 3; ++i) {
          cell->fetch_add(1);
          explorer::check(explorer::local() == &mine && explorer::self() == me, "its own");
        }
      });
  });
  INFO(found.text());
  CHECK_FALSE(found.failed);
  CHECK(explorer::local() == nullptr);
}

TEST_CASE("outside a run atomics are plain variables") {
  constinit static atomic<std::uint32_t> word{3};
  enum class color { red, green };
  atomic<color> hue{color::red};
  atomic<const char*> pointer;
  CHECK(word.fetch_sub(4) == 3);
  CHECK(word.load() == 0xffffffffu);
  CHECK(word.fetch_and(6) == 0xffffffffu);
  CHECK(word.fetch_or(1) == 6);
  CHECK(word.exchange(9) == 7);
  color expected = color::green;
  CHECK_FALSE(hue.compare_exchange_weak(expected, color::green));
  CHECK(expected == color::red);
  CHECK(hue.compare_exchange_strong(expected, color::green, acquire, relaxed));
  CHECK(hue.load() == color::green);
  CHECK(pointer.load() == nullptr);
  explorer::pause();
  plain<int> value(1);
  value = 2;
  CHECK(value == 2);
  explorer::check(true, "holds");
  CHECK_THROWS_AS(explorer::check(false, "does not"), std::logic_error);
}

TEST_CASE("a static atomic carries no clock from one run to the next") {
  static atomic<int> stage{0};
  const auto pass = [](run& r) {
    stage.store(0, relaxed);
    auto payload = std::make_shared<plain<int>>(0, "payload");
    r.thread("writer", [=] {
      payload->set(1);
      stage.store(1, relaxed);
    });
    r.thread("reader", [=] {
      if (stage.load(acquire) == 1) payload->get();
    });
  };
  stage.store(0, release);
  CHECK(contains(explore({}, pass).message, "data race on payload"));
}

TEST_CASE("misuse of the explorer is refused") {
  CHECK_THROWS_AS(explore({.preemptions = 2, .reduce = true}, counting(1, 1)), std::invalid_argument);
  CHECK(
      contains(explore({}, [](run&) { explore({}, counting(1, 1)); }).message, "an exploration inside an exploration"));
  CHECK(contains(explore({}, counting(8, 1)).message, "at most 7 threads"));
  CHECK(explore({.max_runs = 5}, counting(3, 3)).runs == 5);
}
