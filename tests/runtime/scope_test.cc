#include "weir/runtime/scope.h"

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

namespace {
void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }
}  // namespace

TEST_CASE("with_scope returns its value when every actor in it has ended") {
  in_actor([] {
    std::atomic<int> ended{0};
    const int value = weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 10; ++i)
        s.spawn([&, i] {
          weir::this_actor::sleep(std::chrono::microseconds(i * 100));
          ++ended;
        });
      return 7;
    });
    CHECK(value == 7);
    CHECK(ended == 10);
  });
}

TEST_CASE("the first failure cancels the rest and is rethrown as it is; the others are in failures") {
  in_actor([] {
    std::vector<std::exception_ptr> failures;
    std::atomic<int> cancelled{0};
    auto program = [&] {
      weir::with_scope({.failures = &failures}, [&](weir::scope& s) {
        s.spawn("sleeper", [&] {
          try {
            sleep_for_ever();
          } catch (const weir::cancelled&) {
            ++cancelled;
            throw;
          }
        });
        s.spawn("second", [] {
          try {
            sleep_for_ever();
          } catch (const weir::cancelled&) {
            throw std::logic_error("second");
          }
        });
        s.spawn("first", [] {
          weir::this_actor::sleep(1ms);
          throw std::runtime_error("first");
        });
        sleep_for_ever();
      });
    };
    CHECK_THROWS_WITH(program(), "first");
    CHECK(cancelled == 1);
    REQUIRE(failures.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(failures[0]), "second");
  });
}

TEST_CASE("a failure of the body cancels the actors and is rethrown after they have ended") {
  in_actor([] {
    std::atomic<bool> ended{false};
    auto program = [&] {
      weir::with_scope([&](weir::scope& s) {
        s.spawn([&] {
          try {
            sleep_for_ever();
          } catch (...) {
            ended = true;
            throw;
          }
        });
        weir::this_actor::yield();
        throw std::runtime_error("body");
      });
    };
    CHECK_THROWS_WITH(program(), "body");
    CHECK(ended);
  });
}

TEST_CASE("the scope's own cancel is no failure and is absorbed") {
  in_actor([] {
    int after = 0;
    weir::with_scope([&](weir::scope& s) {
      s.spawn(sleep_for_ever);
      s.cancel();
      CHECK(s.cancelled());
      sleep_for_ever();
      after = 1;
    });
    CHECK(after == 0);
    weir::this_actor::sleep(1ms);  // and it is over: the next park does not throw
    CHECK_FALSE(weir::this_actor::cancel_requested());
  });
}

TEST_CASE("a scope with a value whose body its own cancel unwound throws actor_cancelled") {
  in_actor([] {
    auto program = [] {
      return weir::with_scope([](weir::scope& s) {
        s.cancel();
        sleep_for_ever();
        return 1;
      });
    };
    CHECK_THROWS_AS(program(), weir::actor_cancelled);
    // A body that finishes before it meets the cancel keeps its value.
    CHECK(weir::with_scope([](weir::scope& s) {
            s.cancel();
            return 2;
          }) == 2);
  });
}

TEST_CASE("an outer cancel goes through inner scopes, their actors included, and only the outer one absorbs it") {
  in_actor([] {
    std::atomic<int> unwound{0};
    bool inner_returned = false;
    weir::with_scope([&](weir::scope& outer) {
      outer.spawn("nested", [&] {
        try {
          weir::with_scope([&](weir::scope& inner) {
            inner.spawn([&] {
              try {
                sleep_for_ever();
              } catch (const weir::cancelled&) {
                ++unwound;
                throw;
              }
            });
            sleep_for_ever();
          });
          inner_returned = true;
        } catch (const weir::cancelled&) {
          ++unwound;
          throw;
        }
      });
      weir::this_actor::sleep(1ms);
      outer.cancel();
    });
    CHECK(unwound == 2);
    CHECK_FALSE(inner_returned);
  });
}

TEST_CASE("cancelled carries the outermost cancelled scope") {
  in_actor([] {
    // Both are cancelled; the inner one must not absorb it.
    bool between = false;
    weir::with_scope([&](weir::scope& outer) {
      weir::with_scope([&](weir::scope& inner) {
        inner.cancel();
        outer.cancel();
        sleep_for_ever();
      });
      between = true;
    });
    CHECK_FALSE(between);
  });
}

TEST_CASE("a scope whose actors all succeeded does not throw, though an outer cancel came meanwhile") {
  in_actor([] {
    std::atomic<bool> begun{false}, go{false};
    bool finished = false;
    auto a = weir::spawn("host", [&] {
      weir::with_scope([&](weir::scope& s) {
        s.spawn([&] {
          weir::blocking([&] {  // once begun, it is waited for
            begun = true;
            while (!go) std::this_thread::yield();
          });
        });
      });
      finished = true;
    });
    eventually([&] { return begun.load(); });
    a.cancel();
    go = true;
    a.join();
    CHECK(finished);
  });
}

TEST_CASE("scope exit throws cancelled if a child was ended by an outer cancel") {
  in_actor([] {
    bool finished = false;
    auto a = weir::spawn("host", [&] {
      weir::with_scope([](weir::scope& s) { s.spawn(sleep_for_ever); });  // the body itself is through
      finished = true;
    });
    weir::this_actor::sleep(1ms);
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK_FALSE(finished);
  });
}

TEST_CASE("a failure goes before a cancel") {
  in_actor([] {
    auto a = weir::spawn("host", [] {
      weir::with_scope([](weir::scope& s) {
        s.spawn([] {
          try {
            sleep_for_ever();
          } catch (const weir::cancelled&) {
            throw std::runtime_error("while cancelled");
          }
        });
      });
    });
    weir::this_actor::sleep(1ms);
    a.cancel();
    CHECK_THROWS_WITH(a.join(), "while cancelled");
  });
}

TEST_CASE("an actor spawned into a cancelled scope begins and is stopped at its first park") {
  in_actor([] {
    bool began = false, passed = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      s.spawn([&] {
        began = true;
        weir::this_actor::yield();
        passed = true;
      });
    });
    CHECK(began);
    CHECK_FALSE(passed);
  });
}

TEST_CASE("a scope's actor can be cancelled alone, which is no failure of the scope") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      auto a = s.spawn("one", sleep_for_ever);
      a.cancel();
      a.wait();
      CHECK_FALSE(s.cancelled());
    });
  });
}

TEST_CASE("refs of scope actors may be copied, kept after the scope, and joined by several") {
  in_actor([] {
    weir::actor_ref<int> kept;
    weir::actor_ref<void> nothing;
    weir::with_scope([&](weir::scope& s) {
      kept = s.spawn("value", [] { return 5; });
      nothing = s.spawn("void", [] {});
      auto copy = nothing;
      s.spawn([copy]() mutable { copy.join(); });
      copy.join();
    });
    CHECK(kept.join() == 5);
    nothing.join();
  });
}

TEST_CASE("with_scope on a plain thread is misuse") {
  CHECK_THROWS_WITH(weir::with_scope([](weir::scope&) {}),
                    Catch::Contains("with_scope: a scope needs a running actor"));
}

TEST_CASE("scopes entered and cancelled by many actors at once leave nothing behind") {
  in_actor([] {
    for (int i = 0; i < rounds(300); ++i) {
      std::atomic<int> begun{0}, ended{0};
      weir::with_scope([&](weir::scope& s) {
        for (int k = 0; k < 8; ++k)
          s.spawn([&, k] {
            ++begun;
            struct mark {
              std::atomic<int>& n;
              ~mark() { ++n; }
            } m{ended};
            weir::with_scope([&](weir::scope& inner) {
              inner.spawn([] { weir::this_actor::sleep(20us); });
              inner.spawn([&, k] {
                if (k == 3) s.cancel();
                weir::this_actor::yield();
              });
            });
          });
      });
      REQUIRE(begun == 8);
      REQUIRE(ended == 8);
    }
  });
}

TEST_CASE("a consumer never sees the stream of a producer that failed or was cancelled come to a regular end") {
  in_actor([] {
    for (int i = 0; i < rounds(2000); ++i) {
      std::atomic<bool> committed{false};
      const auto pipeline = [&](bool fails) {
        weir::with_scope([&](weir::scope& s) {
          auto [tx, rx] = weir::channel<int>(2);
          s.spawn("consumer", [&committed, rx = std::move(rx)] {
            while (rx.recv()) {
            }
            committed = true;
          });
          s.spawn("producer", [fails, tx = std::move(tx)] {
            tx.send(1);
            if (fails) throw std::runtime_error("half way");
            sleep_for_ever();
          });
          if (!fails) {
            weir::this_actor::sleep(std::chrono::microseconds(i % 20));
            s.cancel();
          }
        });
      };
      CHECK_THROWS_AS(pipeline(true), std::runtime_error);
      REQUIRE_FALSE(committed);
      pipeline(false);
      REQUIRE_FALSE(committed);
    }
  });
}

TEST_CASE("joining a sibling that met the same cancel is a cancel, not a failure") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      auto first = s.spawn("first", sleep_for_ever);
      s.spawn("second", [first]() mutable { first.join(); });
      weir::this_actor::sleep(1ms);
      s.cancel();
    });  // would throw actor_cancelled
  });
}

TEST_CASE("a cancel reaches the bottom of a thousand nested scopes, from an actor with a small stack") {
  in_actor([] {
    std::atomic<bool> at_bottom{false};
    const std::function<void(int)> nest = [&](int depth) {
      weir::with_scope([&](weir::scope&) {
        if (depth > 0) return nest(depth - 1);
        at_bottom = true;
        sleep_for_ever();
      });
    };
    auto deep = weir::spawn("deep", [&] { nest(1000); }, {.stack = 4 << 20});
    eventually([&] { return at_bottom.load(); });
    auto canceller = weir::spawn("canceller", [&] { deep.cancel(); }, {.stack = 16 << 10});
    canceller.join();
    CHECK_THROWS_AS(deep.join(), weir::actor_cancelled);
  });
}

TEST_CASE("a limit parks spawn while that many actors live, and each end lets the longest-waiting spawner go on") {
  in_actor([] {
    std::atomic<int> alive{0}, most{0}, ended{0};
    weir::with_scope({.limit = 3}, [&](weir::scope& s) {
      for (int i = 0; i < 100; ++i)
        s.spawn([&] {
          const int now = ++alive;
          for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          eventually([&] { return most >= 3; });  // as many as may be alive are, at least once
          weir::this_actor::sleep(20us);
          --alive;
          ++ended;
        });
    });
    CHECK(most == 3);
    CHECK(ended == 100);
  });
}

TEST_CASE("several spawners share a limit, and no place is lost or doubled") {
  in_actor([] {
    for (int i = 0; i < rounds(200); ++i) {
      std::atomic<int> alive{0}, ended{0};
      weir::with_scope([&](weir::scope& outer) {
        weir::with_scope({.limit = 4}, [&](weir::scope& inner) {
          weir::with_scope([&](weir::scope& spawners) {
            for (int k = 0; k < 5; ++k)
              spawners.spawn([&] {
                for (int n = 0; n < 6; ++n)
                  inner.spawn([&] {
                    EXPECT(++alive <= 4);
                    weir::this_actor::yield();
                    --alive;
                    ++ended;
                  });
              });
          });
        });
        CHECK_FALSE(outer.cancelled());
      });
      REQUIRE(ended == 30);
    }
  });
}

TEST_CASE("a spawn that waits for a place is a park: a cancel ends it, and the place is not lost") {
  in_actor([] {
    weir::with_scope({.limit = 1}, [](weir::scope& s) {
      std::atomic<bool> release{false};
      s.spawn([&] { eventually([&] { return release.load(); }); });
      auto waits = weir::spawn("waits for a place", [&] { s.spawn([] {}); });
      weir::this_actor::sleep(1ms);
      waits.cancel();
      CHECK_THROWS_AS(waits.join(), weir::actor_cancelled);
      CHECK_FALSE(weir::within(1ms, [&] { s.spawn([] {}); }));
      release = true;
      s.spawn([] {}).join();
      s.spawn([] {}).join();
    });
    // The scope's own cancel ends the wait of its body, and the actor that takes the place.
    std::atomic<bool> body_left{false};
    weir::with_scope({.limit = 1}, [&](weir::scope& s) {
      struct mark {
        std::atomic<bool>& flag;
        ~mark() { flag = true; }
      } at_the_end{body_left};
      s.spawn([&] {
        weir::this_actor::sleep(1ms);
        s.cancel();
        weir::shielded([&] { eventually([&] { return body_left.load(); }); });  // so long the place is taken
        sleep_for_ever();
      });
      s.spawn([] {});
      FAIL_CHECK("found a place in a full scope");
    });
  });
}

TEST_CASE("an actor that could not be made gives its place back") {
  in_actor([] {
    struct throws_when_copied {
      throws_when_copied() = default;
      throws_when_copied(const throws_when_copied&) { throw std::runtime_error("no copy"); }
      void operator()() const {}
    };
    weir::with_scope({.limit = 1}, [](weir::scope& s) {
      const throws_when_copied f;
      CHECK_THROWS_WITH(s.spawn(f), "no copy");
      CHECK_THROWS_AS(s.spawn([] {}, {.stack = 1}), weir::misuse);
      s.spawn([] {}).join();
      s.spawn([] {});
    });
    CHECK_THROWS_WITH(weir::with_scope({.limit = -1}, [](weir::scope&) {}),
                      Catch::Contains("with_scope: the limit must be 1 or more") && Catch::Contains("got -1"));
  });
}

TEST_CASE("failures of many actors at once: one is rethrown and every other is in the list") {
  in_actor([] {
    for (int i = 0; i < rounds(300); ++i) {
      std::vector<std::exception_ptr> failures{nullptr};  // what was in it is replaced
      int first = -1;
      try {
        weir::with_scope({.failures = &failures}, [](weir::scope& s) {
          for (int k = 0; k < 6; ++k) s.spawn([k] { throw k; });
        });
      } catch (int k) {
        first = k;
      }
      int seen = 1 << first;
      for (const std::exception_ptr& f : failures) {
        try {
          std::rethrow_exception(f);
        } catch (int k) {
          seen |= 1 << k;
        }
      }
      REQUIRE(failures.size() == 5);
      REQUIRE(seen == 63);
    }
  });
}
