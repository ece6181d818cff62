#include "weir/runtime/timeout.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/internal/worker.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::in_actor;
using testing::rounds;

namespace {

void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }
void compute_until(weir::deadline d) {
  while (!d.expired()) {
  }
}

}  // namespace

TEST_CASE("with_timeout and within give the value of a body that ends in time") {
  in_actor([] {
    CHECK(weir::with_timeout(1h, [] { return 7; }) == 7);
    CHECK(weir::with_timeout(1h, [](weir::scope& s) { return s.spawn([] { return 8; }).join(); }) == 8);
    weir::with_timeout(1h, [] { weir::this_actor::yield(); });
    CHECK(weir::within(1h, [] { return std::string("in time"); }) == "in time");
    CHECK(weir::within(1h, [] {}));
    CHECK(*weir::within(weir::deadline::never(), [] { return std::make_unique<int>(3); }).value() == 3);
  });
}

TEST_CASE("with_timeout throws timed_out, never early, and names its place and its time") {
  in_actor([] {
    std::string text;
    do {  // its time runs from the call: again, if this thread stood still between that and the beginning
      const auto begun = steady_clock::now();
      try {
        weir::with_timeout(3ms, [] { sleep_for_ever(); });
        FAIL_CHECK("nothing was thrown");
      } catch (const weir::timed_out& t) {
        text = t.what();
      }
      CHECK(steady_clock::now() - begun >= 3ms);
      CHECK_THAT(text, Catch::Contains("with_timeout at timeout_test.cc:") &&
                           Catch::Contains("not done when its time was up, ") && Catch::EndsWith(" after it began"));
    } while (text.find(" 3ms after") == std::string::npos);
    CHECK_THROWS_AS(weir::with_timeout(1ms, [] { sleep_for_ever(); }), weir::timed_out);
    weir::this_actor::yield();  // and it is over
    CHECK_FALSE(weir::this_actor::cancel_requested());
  });
}

TEST_CASE("within gives an empty optional when the time was up, or false for a body without a value") {
  in_actor([] {
    CHECK_FALSE(weir::within(1ms, [] {
                  sleep_for_ever();
                  return 1;
                }).has_value());
    CHECK_FALSE(weir::within(1ms, [] { sleep_for_ever(); }));
  });
}

TEST_CASE("within turns only its own limit into a value") {
  in_actor([] {
    CHECK_THROWS_AS(weir::within(1h, [] { weir::with_timeout(1ms, [] { sleep_for_ever(); }); }), weir::timed_out);
  });
}

TEST_CASE("the time limit holds for the actors of the scope too, and timed_out comes when all of them have ended") {
  in_actor([] {
    std::atomic<int> unwound{0};
    auto program = [&] {
      return weir::with_timeout(2ms, [&](weir::scope& s) {
        for (int i = 0; i < 4; ++i)
          s.spawn([&] {
            struct mark {
              std::atomic<int>& n;
              ~mark() { ++n; }
            } m{unwound};
            sleep_for_ever();
          });
        return 1;  // the body itself is in time
      });
    };
    CHECK_THROWS_AS(program(), weir::timed_out);
    CHECK(unwound == 4);
    CHECK_THROWS_WITH(weir::with_scope({.deadline = 1ms}, [](weir::scope& s) { s.spawn(sleep_for_ever); }),
                      Catch::Contains("with_scope at timeout_test.cc:"));
  });
}

TEST_CASE("a timeout body that finishes late without having been cancelled returns its value") {
  in_actor([] {
    CHECK(weir::with_timeout(1ms, [] {
            compute_until(5ms);
            return 3;
          }) == 3);
    CHECK(weir::within(1ms, [] {
            compute_until(5ms);
            return 4;
          }) == 4);
    CHECK(weir::within(1ms, [] { compute_until(5ms); }));
  });
}

TEST_CASE("a limit in the past stops the body at its first park, and a hand-over that can happen at once happens") {
  in_actor([] {
    bool began = false, passed = false, sent = false;
    auto [tx, rx] = weir::channel<int>(1);
    CHECK_FALSE(weir::within(-1s, [&] {
      began = true;
      sent = tx.send(5);
      weir::this_actor::yield();
      passed = true;
    }));
    CHECK(began);
    CHECK(sent);
    CHECK_FALSE(passed);
  });
}

TEST_CASE("of nested limits that have both come the outermost throws") {
  in_actor([] {
    bool between = false;
    auto program = [&] {
      weir::with_timeout(0s, [&] {
        (void)weir::within(0s, [] { sleep_for_ever(); });
        between = true;
      });
    };
    CHECK_THROWS_AS(program(), weir::timed_out);
    CHECK_FALSE(between);
  });
}

TEST_CASE("nested limits that fire together end in a timed_out of the outermost, in whatever order they are served") {
  in_actor([] {
    for (int i = 0; i < rounds(500); ++i) {
      const weir::deadline both(std::chrono::microseconds(i % 50));
      std::atomic<int> depth{0};
      auto program = [&] {
        weir::with_timeout(both, [&](weir::scope& s) {
          s.spawn([&] { (void)weir::within(both, [&] { ++depth, sleep_for_ever(); }), sleep_for_ever(); });
          (void)weir::within(both, [&] { weir::with_timeout(both, [&] { ++depth, sleep_for_ever(); }); });
          sleep_for_ever();
        });
      };
      CHECK_THROWS_AS(program(), weir::timed_out);
      REQUIRE(depth <= 2);
      REQUIRE_FALSE(weir::this_actor::cancel_requested());
    }
  });
}

TEST_CASE("the shorter limit counts, whichever of the two is outside") {
  in_actor([] {
    CHECK(weir::within(1h, [] { return weir::within(1ms, [] { sleep_for_ever(); }); }) == std::optional<bool>(false));
    bool between = false;
    CHECK_FALSE(weir::within(1ms, [&] {
      (void)weir::within(1h, [] { sleep_for_ever(); });
      between = true;
    }));
    CHECK_FALSE(between);
  });
}

TEST_CASE("a failure goes before the timeout, and the scope's own cancel is none") {
  in_actor([] {
    auto fails = [] {
      weir::with_timeout(1ms, [](weir::scope& s) {
        s.spawn([] {
          try {
            sleep_for_ever();
          } catch (const weir::cancelled&) {
            throw std::runtime_error("on the way out");
          }
        });
        sleep_for_ever();
      });
    };
    CHECK_THROWS_WITH(fails(), "on the way out");
    weir::with_timeout(1h, [](weir::scope& s) {
      s.cancel();
      sleep_for_ever();
    });
    auto cancels = [] {
      return weir::with_timeout(1h, [](weir::scope& s) {
        s.cancel();
        sleep_for_ever();
        return 1;
      });
    };
    CHECK_THROWS_AS(cancels(), weir::actor_cancelled);
  });
}

TEST_CASE("a limit that comes while the scope's own cancel is being met is no timeout") {
  in_actor([] {
    for (auto span = 1ms;; span *= 2) {
      const weir::deadline limit = span;
      bool cancel_came_first = false;
      try {
        weir::with_timeout(limit, [&](weir::scope& s) {
          s.spawn([&] {
            weir::shielded([&] {
              weir::this_actor::sleep(limit);
              weir::this_actor::sleep(2ms);
            });
            sleep_for_ever();
          });
          s.cancel();
          cancel_came_first = !limit.expired();
          sleep_for_ever();
        });
      } catch (const weir::timed_out&) {
        CHECK_FALSE(cancel_came_first);
      }
      CHECK_FALSE(weir::this_actor::cancel_requested());
      if (cancel_came_first) return;  // else the machine was too slow for that: again, with more time
    }
  });
}

TEST_CASE("a cancel from outside goes before the timeout") {
  in_actor([] {
    bool after = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      (void)weir::within(0s, [] { sleep_for_ever(); });
      after = true;
    });
    CHECK_FALSE(after);
  });
}

TEST_CASE("timeout against finish: a body gives its value or was cut short, never both and never neither") {
  in_actor([] {
    int late = 0, in_time = 0;
    for (int i = 0; i < rounds(10'000); ++i) {
      bool finished = false;
      const auto value = weir::within(std::chrono::microseconds(10 + i % 7), [&] {
        weir::this_actor::sleep(std::chrono::microseconds(10 + i % 5));
        finished = true;
        return i;
      });
      REQUIRE(value.has_value() == finished);
      if (finished) REQUIRE(*value == i);
      ++(finished ? in_time : late);
    }
    CHECK(in_time + late == rounds(10'000));
  });
}

TEST_CASE("a time limit against the end of all actors, cancels from inside and outside at random moments") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      std::atomic<int> begun{0}, ended{0};
      auto host = weir::spawn("host", [&, i] {
        weir::with_timeout(std::chrono::microseconds(20 + i % 40), [&](weir::scope& s) {
          for (int k = 0; k < 3; ++k)
            s.spawn([&, k] {
              ++begun;
              struct mark {
                std::atomic<int>& n;
                ~mark() { ++n; }
              } m{ended};
              (void)weir::within(std::chrono::microseconds(i % 30 + k), [&] { sleep_for_ever(); });
              if (k == 2 && i % 3 == 0) s.cancel();
              weir::this_actor::sleep(std::chrono::microseconds(i % 20));
            });
        });
      });
      weir::this_actor::sleep(std::chrono::microseconds(i % 60));
      if (i % 4 == 0) host.cancel();
      try {
        host.join();
      } catch (const weir::timed_out&) {
      } catch (const weir::actor_cancelled&) {
      }
      REQUIRE(begun == ended);
    }
  });
}

TEST_CASE("a limit that did not come leaves no timer behind") {
  in_actor(
      [] {
        const auto before = weir::internal::current_worker().timers().next();
        for (int i = 0; i < 100; ++i) weir::with_timeout(1h, [] { weir::this_actor::yield(); });
        CHECK(weir::internal::current_worker().timers().next() == before);
      },
      1);
}

TEST_CASE("with_timeout on a plain thread is misuse") {
  CHECK_THROWS_WITH(weir::with_timeout(1s, [] {}), Catch::Contains("with_timeout: a scope needs a running actor"));
}
