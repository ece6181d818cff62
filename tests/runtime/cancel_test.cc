// The cancellation contract, sentence by sentence; what belongs to one call is in that call's test.
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

namespace {

void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }

template <class F>
struct at_end {
  F f;
  ~at_end() noexcept(false) { f(); }
};
template <class F>
at_end(F) -> at_end<F>;

}  // namespace

TEST_CASE("cancelled is not a std::exception and carries its scope") {
  static_assert(!std::is_base_of_v<std::exception, weir::cancelled>);
  static_assert(std::is_base_of_v<std::exception, weir::actor_cancelled>);
  in_actor([] {
    const void* outer_id = nullptr;
    const void* seen[2] = {};
    weir::with_scope([&](weir::scope& outer) {
      try {
        weir::with_scope([&](weir::scope& inner) {
          inner.cancel();
          try {
            weir::this_actor::yield();
          } catch (const weir::cancelled& c) {
            seen[0] = c.scope();
          }
          outer.cancel();
          try {
            weir::this_actor::yield();
          } catch (const weir::cancelled& c) {
            seen[1] = c.scope();
            throw;
          }
        });
      } catch (const weir::cancelled& c) {  // the inner scope let the outer one's through
        outer_id = c.scope();
        throw;
      }
    });
    CHECK(outer_id != nullptr);
    CHECK(seen[1] == outer_id);
    CHECK(seen[0] != nullptr);
    CHECK(seen[0] != outer_id);
  });
}

TEST_CASE("yield counts as a park, and every kind of park throws in a cancelled scope") {
  in_actor([] {
    int met = 0;
    auto meets = [&](auto park) {
      try {
        park();
        FAIL_CHECK("went past a park in a cancelled scope");
      } catch (const weir::cancelled&) {
        ++met;
      }
    };
    auto [tx, rx] = weir::channel<int>(0);
    auto other = weir::spawn("other", sleep_for_ever);
    weir::event begun, over;
    weir::with_scope({.limit = 1}, [&, tx = tx, rx = rx](weir::scope& s) {
      // The one there is room for stays until no other can be spawned without waiting any more.
      s.spawn([&] {
        weir::shielded([&] {
          begun.set();
          over.wait();
        });
      });
      begun.wait();
      s.cancel();
      meets([] { weir::this_actor::yield(); });
      meets([] { weir::this_actor::sleep(1us); });
      meets([] { weir::this_actor::check_cancel(); });
      meets([&] { tx.send(1); });
      meets([&] { rx.recv(); });
      meets([&] { other.wait(); });
      meets([&] { other.wait(1h); });
      meets([] { weir::blocking([] {}); });
      meets([&] { s.spawn([] {}); });
      over.set();
      CHECK(weir::this_actor::cancel_requested());
    });
    CHECK(met == 9);
  });
}

TEST_CASE("a hand-over that already happened wins, and the cancel arrives at the next park") {
  in_actor(
      [] {
        auto [tx, rx] = weir::channel<int>(0);
        int got = 0;
        bool after = false;
        auto a = weir::spawn("receiver", [&, rx = rx] {
          got = rx.recv().value_or(-1);
          weir::this_actor::yield();
          after = true;
        });
        eventually([&, rx = rx] { return rx.waiting() == 1; });
        CHECK(tx.send(6));
        a.cancel();  // on the only worker: the receiver has its value and has not run yet
        a.wait();
        CHECK(got == 6);
        CHECK_FALSE(after);
      },
      1);
}

TEST_CASE("weir's own destructors never throw at a park, and wait in a cancelled scope") {
  in_actor([] {
    std::atomic<int> ended{0};
    bool passed = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      {
        auto owned = weir::spawn("owned", [&] {
          weir::shielded([] { weir::this_actor::sleep(1ms); });
          ++ended;
        });
      }
      CHECK(ended == 1);
      {
        auto assigned = weir::spawn("first", [&] {
          weir::shielded([] { weir::this_actor::sleep(1ms); });
          ++ended;
        });
        assigned = {};
      }
      CHECK(ended == 2);
      passed = true;
    });
    CHECK(passed);
  });
}

TEST_CASE("while unwinding, join and scope exit wait without throwing") {
  in_actor([] {
    std::atomic<int> steps{0};
    auto other = weir::spawn("other", [&] {
      eventually([&] { return steps == 1; });
      ++steps;
    });
    auto a = weir::spawn("unwinds", [&] {
      const at_end cleanup{[&] {
        ++steps;
        other.join();
        EXPECT(steps == 2);
        std::atomic<bool> child_ended{false};
        weir::with_scope([&](weir::scope& s) {
          s.spawn([&] {
            const at_end mark{[&] { child_ended = true; }};
            sleep_for_ever();  // a child of the cancelled actor: it is cancelled, and its scope does not throw
          });
        });
        EXPECT(child_ended);
        ++steps;
      }};
      sleep_for_ever();
    });
    weir::this_actor::yield();
    a.cancel();
    a.wait();
    CHECK(steps == 3);
  });
}

TEST_CASE("a cancel that arrives inside catch (...) leaves the exception state intact") {
  in_actor([] {
    std::atomic<bool> intact{false};
    auto a = weir::spawn("in a handler", [&] {
      try {
        throw std::runtime_error("first");
      } catch (...) {
        const std::exception_ptr first = std::current_exception();
        try {
          sleep_for_ever();
        } catch (const weir::cancelled&) {
        }
        intact = std::current_exception() == first && std::uncaught_exceptions() == 0;
        weir::this_actor::yield();  // level-triggered: throws again, out of the handler
      }
    });
    weir::this_actor::yield();
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(intact);
  });
}

TEST_CASE("cancel_requested and check_cancel serve loops that do not park") {
  in_actor([] {
    std::atomic<int> begun{0};
    bool passed = false;
    auto looks = weir::spawn("looks", [&] {
      ++begun;
      while (!weir::this_actor::cancel_requested()) {
      }
      ++begun;
      for (;;) weir::this_actor::check_cancel();
      passed = true;
    });
    std::thread canceller([&] {  // no actor: the loop may have the only worker
      while (begun == 0) std::this_thread::yield();
      looks.cancel();
    });
    CHECK_THROWS_AS(looks.join(), weir::actor_cancelled);
    canceller.join();
    CHECK(begun == 2);
    CHECK_FALSE(passed);
    CHECK_FALSE(weir::this_actor::cancel_requested());
    weir::this_actor::check_cancel();
  });
  CHECK_FALSE(weir::this_actor::cancel_requested());  // a plain thread is never cancelled
  weir::this_actor::check_cancel();
}

TEST_CASE("in a cancelled scope a consumer whose peer met the cancel first throws, also from a scope further in") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      std::atomic<bool> committed{false};
      weir::with_scope([&](weir::scope& s) {
        auto [tx, rx] = weir::channel<int>(0);
        s.spawn("producer", [tx = std::move(tx)] { sleep_for_ever(); });
        s.spawn("consumer", [&, rx = std::move(rx)] {
          weir::with_scope([&](weir::scope&) {
            while (rx.recv()) {
            }
            committed = true;
          });
        });
        weir::this_actor::sleep(std::chrono::microseconds(i % 10));
        s.cancel();
      });
      REQUIRE_FALSE(committed);
    }
  });
}

TEST_CASE("cancels from inside and outside at random moments in nested scopes: all is unwound and nothing stays") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      std::atomic<int> alive{0};
      auto host = weir::spawn("host", [&, i] {
        weir::with_scope([&](weir::scope& outer) {
          for (int k = 0; k < 3; ++k)
            outer.spawn([&, k] {
              ++alive;
              const at_end mark{[&] { --alive; }};
              weir::with_scope({.limit = 2}, [&](weir::scope& inner) {
                for (int n = 0; n < 4; ++n)
                  inner.spawn([&, n] {
                    ++alive;
                    const at_end inner_mark{[&] { --alive; }};
                    weir::this_actor::sleep(std::chrono::microseconds((i + n) % 5));
                    if ((i + k + n) % 7 == 0) inner.cancel();
                    if ((i + k + n) % 11 == 0) outer.cancel();
                  });
              });
            });
        });
        EXPECT(alive == 0);
        EXPECT(!weir::this_actor::cancel_requested() || i % 2 == 0);
      });
      weir::this_actor::sleep(std::chrono::microseconds(i % 50));
      if (i % 2 == 0) host.cancel();
      host.wait();
      REQUIRE(alive == 0);
    }
  });
}

TEST_CASE("child: a destructor that parks without a shield", "[.child]") {
  weir::run([] {
    struct parks {
      ~parks() { weir::this_actor::sleep(1h); }
    };
    auto a = weir::spawn("careless", [] { const parks at_the_end; });
    weir::this_actor::sleep(5ms);
    a.cancel();
    a.wait();
  });
}

TEST_CASE("a destructor that parks outside unwinding and meets a cancel dies with actor and place and rule") {
  const auto end = testing::run_child("child: a destructor that parks without a shield");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("terminate in actor \"careless\" (#2, spawned at cancel_test.cc:") &&
                             Catch::Contains("a destructor that parks must do so in weir::shielded()"));
}

TEST_CASE("child: an actor that ends its own owning handle", "[.child]") {
  weir::run([] {
    auto handle = std::make_unique<weir::actor<void>>();
    auto& slot = *handle;
    slot = weir::spawn("suicidal", [handle = std::move(handle)]() mutable {
      weir::this_actor::yield();
      handle.reset();
    });
    sleep_for_ever();
  });
}

TEST_CASE("misuse in a destructor aborts with rule and value and place and remedy") {
  const auto end = testing::run_child("child: an actor that ends its own owning handle");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output,
             Catch::Contains("weir: misuse: ~actor: the owning handle of an actor cannot end in that actor") &&
                 Catch::Contains("actor \"suicidal\" (#2)") && Catch::Contains("cancel_test.cc:") &&
                 Catch::Contains("detach() it"));
}

TEST_CASE("a cancel that comes while an actor unwinds from a failure ends its waits without throwing") {
  in_actor([] {
    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(0);
    for (int way = 0; way < 6; ++way) {
      std::atomic<bool> waits{false}, kept{false}, empty{false}, went_on{false};
      auto a = weir::spawn("unwinds", [&, way, tx = tx, rx = rx] {
        const at_end cleanup{[&, way] {
          auto value = std::make_unique<int>(1);
          waits = true;
          switch (way) {
            case 0:
              empty = !rx.recv();
              break;
            case 1:
              empty = !rx.recv(1h);
              break;
            case 2:
              kept = !tx.send(std::move(value)) && value;
              break;
            case 3:
              kept = tx.send(std::move(value), 1h) != weir::send_status::ok && value;
              break;
            case 4:
              weir::select(weir::on_recv(rx, [&](auto v) { empty = !v; }), weir::after(1h, [] {}));
              break;
            default:
              sleep_for_ever();
          }
          went_on = std::uncaught_exceptions() == 1;
        }};
        throw std::runtime_error("the failure");
      });
      eventually([&] { return waits && (way > 4 || rx.waiting() + tx.waiting() == 1); });
      a.cancel();
      CHECK_THROWS_WITH(a.join(), "the failure");
      CAPTURE(way);
      CHECK(went_on);
      CHECK(empty == (way == 0 || way == 1 || way == 4));
      CHECK(kept == (way == 2 || way == 3));
      CHECK(rx.waiting() + tx.waiting() == 0);
    }
  });
}
