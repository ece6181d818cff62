#include "weir/runtime/sync/once.h"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using testing::waits;

TEST_CASE("the function runs one time, and nobody goes on before it is done") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      weir::once o;
      int made = 0;
      const auto use = [&](bool actor) {
        o.call([&] {
          if (actor) weir::this_actor::yield();
          ++made;
        });
        EXPECT(made == 1);
      };
      std::thread thread;
      if (i % 20 == 0) thread = std::thread([&] { use(false); });
      weir::with_scope([&](weir::scope& s) {
        for (int a = 0; a < 4; ++a) s.spawn("caller", [&] { use(true); });
      });
      if (thread.joinable()) thread.join();
      CHECK(o.done());
    }
  });
}

TEST_CASE("the caller whose function throws gets the exception, and the next one tries") {
  in_actor([] {
    weir::once o;
    std::atomic<int> tries{0}, failures{0};
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 4; ++a)
        s.spawn("caller", [&] {
          try {
            o.call([&] {
              const int n = ++tries;
              weir::this_actor::yield();
              if (n < 3) throw std::runtime_error("not yet");
            });
            EXPECT(o.done());
          } catch (const std::runtime_error&) {
            ++failures;
          }
        });
    });
    CHECK(tries == 3);
    CHECK(failures == 2);
    CHECK(o.done());
  });
}

TEST_CASE("a cancel of the runner lets the next one try; a cancel or a deadline of one that waits ends its wait") {
  in_actor([] {
    weir::once o;
    auto runner = weir::spawn("runner", [&] { o.call([] { weir::this_actor::sleep(1h); }); });
    eventually([&] { return waits("runner", "sleep"); });
    CHECK(!o.call([] { FAIL("another runs it"); }, 1ms));
    auto waiter = weir::spawn("waiter", [&] { o.call([] { EXPECT(!"it was cancelled"); }); });
    eventually([&] { return waits("waiter", "call"); });
    waiter.cancel();
    CHECK_THROWS_AS(waiter.join(), weir::actor_cancelled);
    std::atomic<bool> ran{false};
    auto next = weir::spawn("next", [&] { o.call([&] { ran = true; }); });
    eventually([&] { return waits("next", "call"); });
    runner.cancel();
    next.join();
    CHECK(ran);
    CHECK(o.call([] { FAIL("it is done"); }));
    runner.wait();
  });
}

TEST_CASE("cancels and throwers race: it is done by one, once") {
  in_actor([] {
    for (int i = 0; i < rounds(3000); ++i) {
      weir::once o;
      std::atomic<int> done{0};
      const auto attempt = [&, i] {
        o.call([&, i] {
          if (i % 3 == 0) weir::this_actor::yield();
          ++done;
        });
      };
      auto victim = weir::spawn("victim", attempt);
      auto other = weir::spawn("other", attempt);
      if (i % 2) weir::this_actor::yield();
      victim.cancel();
      other.join();
      victim.wait();
      CHECK(done == 1);
    }
  });
}

TEST_CASE("a function that calls its own once is misuse, and the once can be tried again") {
  in_actor([] {
    weir::once o;
    CHECK_THROWS_WITH(o.call([&] { o.call([] {}); }),
                      Catch::StartsWith("once::call: the function must not call the same once again, got once "
                                        "once_test.cc:") &&
                          Catch::Contains("in actor \"main\" (#1)"));
    CHECK(!o.done());
    CHECK(o.call([] {}));
  });
}
