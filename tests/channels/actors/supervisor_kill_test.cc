// Supervisors whose children die at random moments, of all causes at once.
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/actors/supervisor.h"
#include "weir/channels/select.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::restart_strategy;

namespace {

constexpr int children = 5;
std::string name_of(int i) { return "child" + std::to_string(i); }

}  // namespace

TEST_CASE("random kills under each strategy: every child lives again, none twice, and every exit is told once") {
  const auto strategy =
      GENERATE(restart_strategy::one_for_one, restart_strategy::one_for_all, restart_strategy::rest_for_one);
  in_actor(
      [strategy] {
        const int kills = rounds(1'000);
        struct life {
          std::atomic<int> alive{0}, begun{0}, ended{0};
        };
        std::vector<life> lives(children);
        auto [events, log] = weir::channel<weir::supervisor_event>(1 << 16);
        weir::supervisor sup({.strategy = strategy, .restarts = 1 << 30, .within = 1h, .events = std::move(events)});
        for (int i = 0; i < children; ++i)
          sup.add({.name = name_of(i),
                   .run =
                       [i, &lives](weir::supervised& self) {
                         life& mine = lives[static_cast<std::size_t>(i)];
                         struct guard_type {
                           life& l;
                           ~guard_type() { --l.alive, ++l.ended; }
                         };
                         ++mine.begun;
                         EXPECT(++mine.alive == 1);
                         const guard_type guard{mine};
                         if (mine.begun % 11 == 0) throw std::runtime_error("at once");
                         for (int k = 0; !self.stop_requested(); ++k) {
                           weir::this_actor::yield();
                           if (k == 200 + i * 37) throw std::runtime_error("later");
                         }
                       },
                   .grace = 1ms});

        std::map<std::uint64_t, int> balance;
        std::uint64_t started = 0, exited = 0, restarted = 0;
        auto reader = weir::spawn("reader", [&, &in = log] {
          for (const weir::supervisor_event& e : in) {
            using what = weir::supervisor_event::what;
            if (e.kind == what::exited) {
              ++exited;
              EXPECT(--balance[e.child.id] == 0);
              balance.erase(e.child.id);
            } else {
              ++(e.kind == what::started ? started : restarted);
              EXPECT(++balance[e.child.id] == 1);
            }
          }
        });
        auto runner = weir::spawn("sup", [&] { sup.run(); });
        std::minstd_rand random(7);
        for (int k = 0; k < kills; ++k) {
          sup.kill(name_of(static_cast<int>(random() % children)));
          if (random() % 4 == 0) weir::this_actor::yield();
        }
        // All of them come back.
        std::vector<int> seen;
        for (life& l : lives) seen.push_back(l.begun);
        for (int i = 0; i < children; ++i)
          eventually([&] { return lives[static_cast<std::size_t>(i)].begun > seen[static_cast<std::size_t>(i)]; });
        sup.shutdown();
        runner.join();
        reader.join();
        std::uint64_t begun = 0;
        for (life& l : lives) {
          CHECK(l.alive == 0);
          CHECK(l.begun == l.ended);
          begun += static_cast<std::uint64_t>(l.begun);
        }
        CHECK(sup.events_lost() == 0);
        CHECK(balance.empty());
        CHECK(started == children);
        CHECK(restarted == sup.restarts());
        CHECK(exited == started + restarted);
        // One that was cancelled before its first run begins all the same.
        CHECK(begun == exited);
      },
      4);
}

TEST_CASE("a supervisor that is cancelled at any moment leaves no child behind") {
  in_actor(
      [] {
        std::minstd_rand random(11);
        for (int round = 0; round < rounds(1'000); ++round) {
          std::atomic<int> alive{0};
          weir::supervisor sup({.strategy = static_cast<restart_strategy>(round % 3), .restarts = 3, .within = 1h});
          for (int i = 0; i < 3; ++i)
            sup.add({.name = name_of(i),
                     .run =
                         [&alive, i, round](weir::supervised& self) {
                           struct guard_type {
                             std::atomic<int>& a;
                             ~guard_type() { --a; }
                           };
                           ++alive;
                           const guard_type guard{alive};
                           weir::this_actor::yield();
                           if (i == round % 5) throw std::runtime_error("x");
                           self.ready();
                           weir::select(weir::on_stop(self, [] {}));
                         },
                     .awaits_ready = i == 1});
          auto runner = weir::spawn("sup", [&] { sup.run(); });
          auto meddler = weir::spawn("meddler", [&] {
            sup.kill(name_of(round % 3));
            sup.remove(name_of((round + 1) % 3));
            sup.add({.name = "late", .run = [] {}, .kind = weir::child_kind::temporary});
          });
          for (auto n = random() % 30; n > 0; --n) weir::this_actor::yield();
          if (round % 4 == 0) sup.shutdown();
          runner.cancel();
          runner.wait();
          REQUIRE(alive == 0);
          meddler.join();
          try {
            runner.join();
          } catch (const std::exception&) {  // cancelled, or it gave up before
          }
        }
      },
      4);
}
