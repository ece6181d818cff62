// Random concurrent histories of calls on channels, checked for linearizability; and the checker itself, checked with
// histories that no channel may show. WEIR_SEED repeats the players' choices, though not the interleaving: a failure
// prints the whole history.
#include "tests/channels/history.h"

#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/channels/history_calls.h"
#include "tests/channels/history_player.h"
#include "tests/testing.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/runtime.h"

using namespace std::chrono_literals;
using testing::contradiction;
using testing::fact;
using testing::operation;
using testing::rounds;
using kind = testing::fact::kind;

namespace {

std::uint64_t seed() {
  const char* text = std::getenv("WEIR_SEED");
  return text ? std::strtoull(text, nullptr, 0) : 1;
}

// Which players are plain threads.
enum class cast : std::uint8_t { actors, mixed, threads };

template <class T>
class game {
 public:
  game(std::uint64_t game_seed, cast who, int workers) : random_(game_seed), who_(who), workers_(workers) {
    const int channels = 1 + draw(3);
    const int players = 2 + draw(4);
    const int capacities[] = {0, 1, 2, 3, 7};
    for (int p = 0; p < players; ++p) {
      auto& player = add_player();
      player.may_close = draw(3) == 0;
      player.favourite = draw(static_cast<int>(testing::calls<T>().size()));
      player.tx.resize(static_cast<std::size_t>(channels));
      player.rx.resize(static_cast<std::size_t>(channels));
    }
    for (int c = 0; c < channels; ++c) add_channel(capacities[draw(5)]);
  }

  // Empty, or what went wrong.
  std::string run() {
    const int steps = 2 + draw(7);
    std::atomic<std::size_t> ready{0};
    std::vector<weir::actor<void>> actors;
    std::vector<std::thread> threads;
    const bool apart = draw(8) == 0;  // else they are wherever workers steal them to
    for (auto& player : players_) {
      const auto body = [&, &p = player] {
        ++ready;
        while (ready < players_.size()) weir::this_actor::yield();
        p.play(steps);
      };
      const auto stoppable = [&, &p = player, body] {
        try {
          body();
        } catch (const weir::cancelled&) {  // stopped before its first call, too, it leaves
          if (!p.finished) p.leave();
          throw;
        }
      };
      if (who_ == cast::threads || (who_ == cast::mixed && draw(2) == 0))
        threads.emplace_back(body);
      else
        actors.push_back(weir::spawn("player", stoppable, {.pinned = apart ? player.number % workers_ : -1}));
    }
    if (!actors.empty() && draw(4) == 0) {
      for (int k = draw(20); k > 0; --k) weir::this_actor::yield();
      actors[static_cast<std::size_t>(draw(static_cast<int>(actors.size())))].cancel();
    }
    std::string wrong = end_it();
    for (auto& t : threads) t.join();
    for (auto& a : actors) a.wait();
    drain();
    house_.leave();
    history_ = house_.log;
    for (auto& p : players_) history_.insert(history_.end(), p.log.begin(), p.log.end());
    return wrong.empty() ? contradiction(setup_, history_) : wrong;
  }

  // After run().
  const std::vector<operation>& history() const { return history_; }
  const std::vector<testing::channel_setup>& setup() const { return setup_; }
  int end() const { return clock_; }

 private:
  int draw(int below) { return static_cast<int>(random_.below(static_cast<std::uint32_t>(below))); }

  testing::player<T>& add_player() {
    auto& p = players_.emplace_back();
    p.clock = &clock_;
    p.number = static_cast<int>(players_.size());
    p.random = weir::internal::random_source(random_.next() + 0x9E3779B97F4A7C15ULL * random_.next());
    return p;
  }

  void add_channel(int capacity) {
    auto ends = weir::channel<T>(capacity);
    cores_.push_back(&ends.tx.core("game", weir::site::current()));
    testing::channel_setup s{capacity, 0, 0, testing::shows_moves<T>};
    const std::size_t c = setup_.size();
    for (auto& p : players_) {
      if (draw(10) < 7) p.tx[c] = ends.tx, ++s.senders;
      if (draw(10) < 7) p.rx[c] = ends.rx, ++s.receivers;
    }
    // The house keeps one end at least, so that it may look; of an end that nobody else has it is the last holder.
    const int keeps = draw(3);
    house_.tx.resize(c + 1), house_.rx.resize(c + 1);
    if (keeps != 0 || s.senders == 0) house_.tx[c] = ends.tx, ++s.senders;
    if (keeps != 1 || s.receivers == 0) house_.rx[c] = ends.rx, ++s.receivers;
    house_.clock = &clock_;
    setup_.push_back(s);
  }

  // Waits until all have finished. Whenever all that are left wait, looks whether they should, and closes something.
  std::string end_it() {
    for (int turn = 0;; ++turn) {
      while (!all_finished() && !all_wait()) look_away();
      if (all_finished()) return "";
      if (const std::string wrong = somebody_could_go_on(); !wrong.empty() && stays_so()) {
        for (std::size_t c = 0; c < setup_.size(); ++c) close(c);
        while (!all_finished()) weir::this_actor::yield();
        return wrong;
      }
      for (std::size_t c = 0; c < setup_.size(); ++c) {
        const int how = turn == 0 ? draw(4) : 3;
        if (how == 0 && house_.tx[c] && house_.rx[c])
          house_.drop_sender(static_cast<int>(c));
        else if (how == 1 && house_.tx[c] && house_.rx[c])
          house_.drop_receiver(static_cast<int>(c));
        else if (how != 2)
          close(c);
      }
    }
  }

  // Threads need the core that a worker which yields would keep.
  void look_away() const {
    if (who_ == cast::actors)
      weir::this_actor::yield();
    else
      weir::this_actor::sleep(10us);
  }

  void close(std::size_t c) {
    house_.record("close", [&] {
      if (house_.tx[c])
        house_.tx[c].close();
      else
        house_.rx[c].close();
      house_.note(kind::close, static_cast<int>(c));
    });
  }

  bool all_finished() const {
    for (const auto& p : players_)
      if (!p.finished) return false;
    return true;
  }

  // Everybody who has not finished is parked, at each of his ends. True only if that was so at one moment: nobody
  // returned meanwhile, and who is on his way into the lists or out of them is missing in one.
  bool all_wait() {
    const int before = clock_.load();
    std::size_t should = 0, stand = 0;
    for (const auto& p : players_) {
      if (p.finished) continue;
      const int n = p.waiters;
      if (n == 0) return false;
      should += static_cast<std::size_t>(n);
    }
    for (auto* core : cores_) stand += core->senders_waiting() + core->receivers_waiting();
    return stand == should && clock_.load() == before;
  }

  // For what all_wait() cannot see: a select that starts anew between two looks, on a thread that may lose its core.
  bool stays_so() {
    const int before = clock_.load();
    for (int i = 0; i < 1000; ++i) {
      weir::this_actor::sleep(20ms);
      if (clock_.load() != before || !all_wait() || somebody_could_go_on().empty()) return false;
    }
    return true;
  }

  // Asked when all who are left wait.
  std::string somebody_could_go_on() {
    for (std::size_t c = 0; c < setup_.size(); ++c) {
      int senders = 0, receivers = 0, both = 0;
      for (const auto& p : players_) {
        senders += p.at_sender[c] > 0;
        receivers += p.at_receiver[c] > 0;
        both += p.at_sender[c] > 0 && p.at_receiver[c] > 0;
      }
      const std::string text = cores_[c]->describe();
      const std::size_t length = cores_[c]->length(), capacity = cores_[c]->capacity();
      const char* wrong = nullptr;
      if (senders + receivers > 0 && text.find("closed") != std::string::npos)
        wrong = "somebody waits though it is closed";
      if (receivers > 0 && length > 0) wrong = "a receiver waits though there is a value";
      if (senders > 0 && length < capacity) wrong = "a sender waits though there is room";
      if (senders > 0 && receivers > 0 && !(senders == 1 && receivers == 1 && both == 1))
        wrong = "a sender and a receiver wait for each other";
      if (wrong) return "channel " + std::to_string(c) + ": " + wrong + " (" + text + ")";
    }
    return "";
  }

  void drain() {
    for (std::size_t c = 0; c < setup_.size(); ++c) {
      if (!house_.rx[c] || draw(2) == 0) continue;
      bool more = true;
      while (more)
        house_.record("try_recv", [&] {
          auto v = house_.rx[c].try_recv();
          house_.received(static_cast<int>(c), v.status(), v ? &*v : nullptr);
          more = bool(v);
        });
    }
  }

  weir::internal::random_source random_;
  const cast who_;
  const int workers_;
  std::atomic<int> clock_{0};  // sequentially consistent: the order of its values is the order of the calls
  std::vector<testing::channel_setup> setup_;
  std::vector<weir::internal::channel_core<T>*> cores_;
  std::deque<testing::player<T>> players_;
  testing::player<T> house_;  // closes and drains
  std::vector<operation> history_;
};

template <class T>
void play_games(int workers, cast who, int count) {
  const int classes = static_cast<int>(kind::length) + 1;
  std::vector<long> seen(static_cast<std::size_t>(classes));
  testing::in_actor(
      [&] {
        for (int i = 0; i < count; ++i) {
          game<T> g(seed() * 1'000'003 + static_cast<std::uint64_t>(i), who, workers);
          const std::string wrong = g.run();
          if (!wrong.empty()) FAIL("game " << i << " on " << workers << " workers: " << wrong);
          for (const operation& op : g.history())
            for (const fact& f : op.facts) ++seen[static_cast<std::size_t>(f.what)];
        }
      },
      workers);
  for (int k = 0; k < classes && count >= 300; ++k) {
    CAPTURE(workers, k);
    CHECK(seen[static_cast<std::size_t>(k)] > 0);  // else these histories show nothing
  }
}

// A history of calls that do not overlap, unless a test says otherwise.
struct calls_in_turn {
  std::vector<operation> all;
  calls_in_turn& add(std::vector<fact> facts, bool waits = true) {
    const int at = static_cast<int>(all.size()) * 2;
    all.push_back({1, "call", at, at + 1, waits, std::move(facts)});
    return *this;
  }
  // The last two overlap.
  calls_in_turn& together() {
    std::swap(all[all.size() - 2].returned, all[all.size() - 1].invoked);
    return *this;
  }
};

fact put(int v) { return {kind::put, 0, v}; }
fact take(int v) { return {kind::take, 0, v}; }
fact saw(kind what) { return {what, 0}; }

bool explained(int capacity, const calls_in_turn& h, bool shells = false) {
  return contradiction({{capacity, 1, 1, shells}}, h.all).empty();
}

}  // namespace

TEST_CASE("the checker explains what a channel may show") {
  CHECK(explained(2,
                  calls_in_turn().add({put(1)}).add({put(2)}).add({saw(kind::no_room)}).add({take(1)}).add({take(2)})));
  CHECK(explained(1, calls_in_turn()
                         .add({put(1)})
                         .add({saw(kind::close)})
                         .add({saw(kind::closed_to_send)})
                         .add({take(1)})
                         .add({saw(kind::closed_to_recv)})));
  CHECK(explained(0, calls_in_turn().add({take(1)}).add({put(1)}, false).together()));
  CHECK(explained(1, calls_in_turn().add({saw(kind::nothing)}).add({put(1)}).together()));
  CHECK(explained(1, calls_in_turn().add({put(1)}).add({saw(kind::drop_receiver)}).add({saw(kind::closed_to_send)})));
  // Two overlapping sends may have gone in in either order; a call that did nothing says nothing.
  CHECK(explained(2, calls_in_turn().add({put(1)}).add({put(2)}).together().add({take(2)}).add({}).add({take(1)})));
  // A sender is turned away while a receive is still busy with its cell.
  const auto turned_away = calls_in_turn().add({put(1)}).add({take(1)}).add({saw(kind::no_room)}).together();
  auto after_another = turned_away;
  after_another.all[1].invoked = 1, after_another.all[0].returned = 2;  // began before, and the cell was empty already
  after_another.all.insert(after_another.all.begin() + 2, operation{2, "call", 6, 7, true, {saw(kind::nothing)}});
  after_another.all[1].returned = 10, after_another.all[3].invoked = 8, after_another.all[3].returned = 9;
  CHECK_FALSE(explained(1, after_another));
  CHECK(explained(1, after_another, true));
}

TEST_CASE("the checker refuses what a channel must not show") {
  SECTION("a lost value") {
    CHECK_FALSE(explained(2, calls_in_turn().add({put(1)}).add({put(2)}).add({take(2)})));
    CHECK_FALSE(explained(1, calls_in_turn().add({put(1)}).add({saw(kind::close)}).add({saw(kind::closed_to_recv)})));
    CHECK_FALSE(explained(0, calls_in_turn().add({put(1)})));
  }
  SECTION("a doubled or invented value") {
    CHECK_FALSE(explained(2, calls_in_turn().add({put(1)}).add({take(1)}).add({take(1)})));
    CHECK_FALSE(explained(2, calls_in_turn().add({take(7)})));
    CHECK_FALSE(explained(0, calls_in_turn().add({take(7)})));
  }
  SECTION("values out of order") {
    CHECK_FALSE(explained(
        2, calls_in_turn().add({put(1)}).add({put(2)}).add({take(2)}).add({take(1)}).together().add({take(1)})));
    CHECK_FALSE(explained(2, calls_in_turn().add({put(1)}).add({put(2)}).add({take(2)}).add({take(1)})));
  }
  SECTION("a value before it was sent") {
    CHECK_FALSE(explained(2, calls_in_turn().add({take(1)}).add({put(1)})));
    CHECK_FALSE(explained(0, calls_in_turn().add({take(1)}).add({put(1)})));
  }
  SECTION("empty while there was always a value") {
    CHECK_FALSE(explained(2, calls_in_turn().add({put(1)}).add({saw(kind::nothing)}).add({take(1)})));
    // One value goes out while another comes in before: at every moment there is one.
    CHECK_FALSE(
        explained(2, calls_in_turn().add({put(1)}).add({put(2)}).add({take(1)}).add({saw(kind::nothing)}).together()));
  }
  SECTION("full while there was room") {
    CHECK_FALSE(explained(2, calls_in_turn().add({put(1)}).add({saw(kind::no_room)})));
    CHECK_FALSE(explained(2, calls_in_turn().add({put(1)}).add({saw(kind::no_room)}), true));
  }
  SECTION("more values than fit") {
    CHECK_FALSE(explained(1, calls_in_turn().add({put(1)}).add({put(2)}).add({take(1)}).add({take(2)})));
  }
  SECTION("a rendezvous of two that cannot wait, or of two that did not meet") {
    CHECK_FALSE(explained(0, calls_in_turn().add({put(1)}, false).add({take(1)}, false).together()));
    CHECK(explained(0, calls_in_turn().add({put(1)}, false).add({take(1)}, true).together()));
    CHECK_FALSE(explained(0, calls_in_turn().add({put(1)}).add({take(1)})));
  }
  SECTION("a send after close, and an end before it") {
    CHECK_FALSE(explained(1, calls_in_turn().add({saw(kind::close)}).add({put(1)})));
    CHECK_FALSE(explained(1, calls_in_turn().add({saw(kind::closed_to_send)})));
    CHECK_FALSE(explained(1, calls_in_turn().add({saw(kind::close)}).add({saw(kind::nothing)})));
    CHECK_FALSE(explained(0, calls_in_turn().add({saw(kind::close)}).add({take(1)}).add({put(1)}).together()));
  }
  SECTION("a value that outlived the last receiver, and a wrong length") {
    CHECK_FALSE(explained(1, calls_in_turn().add({put(1)}).add({saw(kind::drop_receiver)}).add({take(1)})));
    CHECK_FALSE(explained(2, calls_in_turn().add({put(1)}).add({{kind::length, 0, 2}})));
  }
  SECTION("otherwise, though at every moment one of two was ready") {
    const fact a_empty{kind::nothing, 0}, b_empty{kind::nothing, 1};
    calls_in_turn h;
    h.add({put(1)}).add({{kind::put, 1, 2}}).add({take(1)}).add({a_empty, b_empty}).together();
    CHECK_FALSE(contradiction({{2, 1, 1}, {2, 1, 1}}, h.all).empty());
    h.all[1].invoked = h.all[3].invoked, h.all[3].invoked = 2;  // now the second value may have come later
    CHECK(contradiction({{2, 1, 1}, {2, 1, 1}}, {h.all[3]}).empty());
  }
}

TEST_CASE("a history of real calls is refused when one of its values is changed or one of its calls left out") {
  testing::in_actor([] {
    int changed = 0, left_out = 0;
    for (int i = 0; i < rounds(200); ++i) {
      game<int> g(seed() + static_cast<std::uint64_t>(i), cast::actors, testing::workers());
      REQUIRE(g.run() == "");
      std::vector<operation> history = g.history();
      for (std::size_t k = 0; k < history.size(); ++k) {
        if (history[k].facts.size() != 1 || history[k].facts[0].what != kind::take) continue;
        auto other_value = history;
        other_value[k].facts[0].value += 1'000'000;
        ++changed;
        REQUIRE_FALSE(contradiction(g.setup(), other_value).empty());
        auto doubled = history;
        doubled.push_back(history[k]);
        doubled.back().invoked = g.end() + 1, doubled.back().returned = g.end() + 2;
        REQUIRE_FALSE(contradiction(g.setup(), doubled).empty());
        for (std::size_t from = 0; from < history.size(); ++from) {
          const auto& f = history[from].facts;
          if (f.size() != 1 || f[0].what != kind::put || f[0].value != history[k].facts[0].value) continue;
          auto without = history;
          without.erase(without.begin() + static_cast<long>(from));
          ++left_out;
          REQUIRE_FALSE(contradiction(g.setup(), without).empty());
        }
        break;
      }
    }
    CHECK(changed > 0);
    CHECK(left_out == changed);
  });
}

TEST_CASE("random calls of actors are linearizable, and nobody waits who could go on") {
  const int workers = GENERATE(1, 2, 3);
  play_games<int>(workers, cast::actors, rounds(1000));
  play_games<testing::boxed>(workers, cast::actors, rounds(500));
}

TEST_CASE("random calls of actors and plain threads are linearizable, and nobody waits who could go on") {
  const int workers = GENERATE(1, 2, 3);
  play_games<int>(workers, cast::mixed, rounds(200));
  play_games<testing::boxed>(workers, cast::mixed, rounds(100));
}

TEST_CASE("random calls of plain threads are linearizable, and nobody waits who could go on") {
  play_games<int>(1, cast::threads, rounds(300));
  play_games<testing::boxed>(1, cast::threads, rounds(200));
}
