#include "weir/runtime/shielded.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

namespace {

void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }

template <class F>
struct at_end {
  F f;
  ~at_end() { f(); }
};
template <class F>
at_end(F) -> at_end<F>;

}  // namespace

TEST_CASE("inside a shield parks wait normally, and the cancel arrives at the next park after it") {
  in_actor([] {
    bool inside = false, after = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      const int value = weir::shielded([&] {
        EXPECT(!weir::this_actor::cancel_requested());
        const auto begun = std::chrono::steady_clock::now();
        weir::this_actor::sleep(2ms);
        EXPECT(std::chrono::steady_clock::now() - begun >= 2ms);
        weir::this_actor::yield();
        weir::this_actor::check_cancel();
        inside = true;
        return 5;
      });
      CHECK(value == 5);
      CHECK(weir::this_actor::cancel_requested());
      weir::this_actor::yield();
      after = true;
    });
    CHECK(inside);
    CHECK_FALSE(after);
  });
}

TEST_CASE("a cancel that comes while an actor is parked in a shield waits outside") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::atomic<int> got{0};
    bool after = false;
    auto a = weir::spawn("shielded", [&, rx = rx] {
      got = weir::shielded([&] { return rx.recv().value_or(-1); });
      weir::this_actor::yield();
      after = true;
    });
    eventually([&, rx = rx] { return rx.waiting() == 1; });
    a.cancel();
    CHECK_FALSE(a.wait(1ms));
    CHECK(tx.send(7));
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(got == 7);
    CHECK_FALSE(after);
  });
}

TEST_CASE("a destructor that parks inside shielded works while its actor unwinds") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    auto a = weir::spawn("cleaner", [&, tx = tx] {
      const at_end cleanup{[&] {
        weir::shielded([&] {
          weir::this_actor::sleep(1ms);
          EXPECT(tx.send(1));
          EXPECT(weir::spawn([] { return 2; }).join() == 2);
          weir::with_scope([](weir::scope& s) { s.spawn([] { weir::this_actor::sleep(1ms); }); });
        });
        EXPECT(!tx.send(2));  // outside the shield it unwinds: as if the peer were gone
      }};
      sleep_for_ever();
    });
    weir::this_actor::yield();
    a.cancel();
    CHECK(rx.recv() == 1);
    a.wait();
  });
}

TEST_CASE("after the grace in a cancelled scope parks act as in unwinding") {
  in_actor([] {
    std::atomic<bool> release{false};
    auto [tx, rx] = weir::channel<int>(0);
    auto slow = weir::spawn("slow", [&] { eventually([&] { return release.load(); }); });
    bool ended = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      weir::shielded(1ms, [&, tx = tx, rx = rx] {
        sleep_for_ever();  // ends with the grace
        CHECK(weir::this_actor::cancel_requested());
        weir::this_actor::yield();
        weir::this_actor::check_cancel();
        sleep_for_ever();
        CHECK_FALSE(tx.send(1));
        CHECK(tx.send(1, 1h) == weir::send_status::closed);
        CHECK_FALSE(rx.recv().has_value());
        CHECK(weir::select(weir::on_recv(rx, [](std::optional<int> v) { return v.has_value() ? 1 : 2; }),
                           weir::after(1h, [] { return 3; })) == 2);
        CHECK(weir::select(weir::on_recv(rx, [](std::optional<int>) { return 1; }),
                           weir::otherwise([] { return 4; })) == 4);
        release = true;
        slow.join();  // waits: its actor goes on
        ended = true;
      });
    });
    CHECK(ended);
  });
}

TEST_CASE("the grace counts from entry: a cancel after it is met at once, without throwing") {
  in_actor([] {
    std::atomic<int> step{0};
    auto a = weir::spawn("shielded", [&] {
      weir::shielded(1ms, [&] {
        weir::this_actor::sleep(3ms);  // nothing is cancelled: waits as usual
        step = 1;
        sleep_for_ever();
        step = 2;
      });
      EXPECT(step == 2);
      weir::this_actor::yield();
      step = 3;
    });
    eventually([&] { return step == 1; });
    weir::this_actor::sleep(1ms);
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(step == 2);
  });
}

TEST_CASE("a grace that is over from the start does not throw either") {
  in_actor([] {
    bool inside = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      weir::shielded(0s, [&] {
        sleep_for_ever();
        inside = true;
      });
    });
    CHECK(inside);
  });
}

TEST_CASE("scopes opened inside a shield keep their own cancel") {
  in_actor([] {
    int passed = 0;
    weir::with_scope([&](weir::scope& outer) {
      outer.cancel();
      weir::shielded([&] {
        weir::with_scope([&](weir::scope& s) {
          s.spawn([&] { s.cancel(); });
          sleep_for_ever();
        });
        ++passed;
        weir::this_actor::sleep(1ms);
        CHECK_FALSE(weir::within(1ms, [] { sleep_for_ever(); }));
        ++passed;
        CHECK_THROWS_WITH(weir::with_scope([](weir::scope& s) {
                            s.spawn([] { throw std::runtime_error("inside"); });
                            sleep_for_ever();
                          }),
                          "inside");
        ++passed;
      });
      weir::shielded(0s, [&] {  // and also when the grace is over
        weir::with_scope([&](weir::scope& s) {
          s.cancel();
          weir::this_actor::yield();
          FAIL_CHECK("went past a park in a scope that is cancelled itself");
        });
        ++passed;
      });
    });
    CHECK(passed == 4);
  });
}

TEST_CASE("the actors of scopes inside a shield are shielded too") {
  in_actor([] {
    std::atomic<int> ended{0};
    weir::with_scope([&](weir::scope& outer) {
      outer.cancel();
      weir::shielded([&] {
        weir::with_scope([&](weir::scope& s) {
          for (int i = 0; i < 4; ++i)
            s.spawn([&] {
              weir::this_actor::sleep(1ms);
              weir::with_scope([&](weir::scope& nested) {
                nested.spawn([&] {
                  weir::this_actor::yield();
                  ++ended;
                });
              });
            });
        });
      });
    });
    CHECK(ended == 4);
  });
}

TEST_CASE("after the grace the actors inside are cancelled and their scope returns without throwing") {
  in_actor([] {
    std::atomic<int> cut{0};
    bool after = false;
    weir::with_scope([&](weir::scope& outer) {
      outer.cancel();
      weir::shielded(2ms, [&] {
        weir::with_scope([&](weir::scope& s) {
          for (int i = 0; i < 4; ++i)
            s.spawn([&] {
              try {
                sleep_for_ever();
              } catch (const weir::cancelled&) {
                ++cut;
                throw;
              }
            });
        });
        after = true;
      });
    });
    CHECK(cut == 4);
    CHECK(after);
  });
}

TEST_CASE("cancelled carries the outermost cancelled scope that is not behind a shield") {
  in_actor([] {
    std::atomic<bool> absorbed{false};
    bool outside = false;
    weir::with_scope([&](weir::scope& outer) {
      weir::shielded([&] {
        weir::with_scope([&](weir::scope& middle) {
          weir::with_scope([&](weir::scope& inner) {
            inner.cancel();
            middle.cancel();
            outer.cancel();
            sleep_for_ever();
          });
          FAIL_CHECK("the inner scope absorbed the cancel of the middle one");
        });
        absorbed = true;
      });
      outside = true;
      weir::this_actor::yield();
      FAIL_CHECK("the outer cancel was lost");
    });
    CHECK(absorbed);
    CHECK(outside);
  });
}

TEST_CASE("of nested shields the one that holds counts, in whatever order their graces end") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      s.cancel();
      weir::shielded([] {
        weir::shielded(0s, [] {
          weir::this_actor::sleep(1ms);
          CHECK_FALSE(weir::this_actor::cancel_requested());
        });
      });
      weir::shielded(0s, [] {
        CHECK(weir::this_actor::cancel_requested());
        weir::shielded([] {
          weir::this_actor::sleep(1ms);
          CHECK_FALSE(weir::this_actor::cancel_requested());
        });
        CHECK(weir::this_actor::cancel_requested());
      });
      CHECK(weir::this_actor::cancel_requested());
    });
  });
}

TEST_CASE("the owner of a shielded actor waits for it") {
  in_actor([] {
    std::atomic<bool> begun{false}, ended{false};
    {
      auto a = weir::spawn("shielded", [&] {
        weir::shielded([&] {
          begun = true;
          weir::this_actor::sleep(2ms);
          ended = true;
        });
      });
      eventually([&] { return begun.load(); });
    }
    CHECK(ended);
  });
}

TEST_CASE("an exception leaves a shield as it is, and on a plain thread shielded only calls") {
  CHECK(weir::shielded(1ms, [] { return 4; }) == 4);
  in_actor([] {
    CHECK_THROWS_WITH(weir::shielded([] { throw std::runtime_error("as it is"); }), "as it is");
    int x = 0;
    int& same = weir::shielded([&]() -> int& { return x; });
    CHECK(&same == &x);
  });
}

TEST_CASE("a shield does not outlast a cancel of its own actor, nor a sibling's failure") {
  in_actor([] {
    bool after = false;
    auto program = [&] {
      weir::with_scope([&](weir::scope& s) {
        std::atomic<bool> in{false};
        s.spawn("fails", [&] {
          eventually([&] { return in.load(); });
          throw std::runtime_error("sibling");
        });
        weir::shielded([&] {
          in = true;
          weir::this_actor::sleep(1ms);
        });
        sleep_for_ever();
        after = true;
      });
    };
    CHECK_THROWS_WITH(program(), "sibling");
    CHECK_FALSE(after);
  });
}

TEST_CASE("cancels at random moments against entering and leaving shields: none is lost and none comes in") {
  in_actor([] {
    for (int i = 0; i < rounds(3000); ++i) {
      std::atomic<int> entered{0}, left{0};
      std::atomic<bool> stopped{false};
      auto victim = weir::spawn("victim", [&] {
        const at_end mark{[&] { stopped = true; }};
        for (;;) {
          weir::with_scope([&](weir::scope&) {
            weir::shielded([&] {
              ++entered;
              weir::with_scope([](weir::scope& s) { s.spawn([] { weir::this_actor::yield(); }); });
              weir::this_actor::sleep(std::chrono::microseconds(i % 3));
              EXPECT(!weir::this_actor::cancel_requested());
              ++left;
            });
          });
          weir::this_actor::yield();
        }
      });
      weir::this_actor::sleep(std::chrono::microseconds(i % 40));
      victim.cancel();
      victim.wait();
      REQUIRE(stopped);
      REQUIRE(entered == left);
    }
  });
}

TEST_CASE("a grace that runs out against a cancel that comes: the shield is always left, without an exception") {
  in_actor([] {
    for (int i = 0; i < rounds(2000); ++i) {
      std::atomic<bool> inside{false}, left{false};
      std::atomic<int> children{0};
      auto victim = weir::spawn("victim", [&, i] {
        weir::shielded(std::chrono::microseconds(i % 30), [&, i] {
          inside = true;
          weir::with_scope([&](weir::scope& s) {
            for (int k = 0; k < 2; ++k)
              s.spawn([&] {
                ++children;
                const at_end mark{[&] { --children; }};
                (void)weir::within(std::chrono::microseconds(i % 50), [] { sleep_for_ever(); });
                sleep_for_ever();
              });
          });
          left = true;
        });
      });
      weir::this_actor::sleep(std::chrono::microseconds(i % 35));
      victim.cancel();
      victim.wait();
      REQUIRE(inside == left);
      REQUIRE(children == 0);
    }
  });
}

TEST_CASE("failures of several actors at once, some of them thrown while shields are left: one is rethrown") {
  in_actor([] {
    for (int i = 0; i < rounds(500); ++i) {
      std::vector<std::exception_ptr> others;
      auto program = [&] {
        weir::with_scope({.failures = &others}, [&](weir::scope& s) {
          for (int k = 0; k < 4; ++k)
            s.spawn([k] {
              weir::shielded([] { weir::this_actor::yield(); });
              // Thrown with a park in the unwinding, while the others fail.
              const at_end parks{[] { weir::shielded(10us, [] { weir::this_actor::sleep(5us); }); }};
              throw k;
            });
          sleep_for_ever();
        });
      };
      CHECK_THROWS_AS(program(), int);
      REQUIRE(others.size() == 3);
    }
  });
}
