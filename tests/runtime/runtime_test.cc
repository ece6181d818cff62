#include "weir/runtime/runtime.h"

#include <signal.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;

TEST_CASE("run returns what its function returns, void as 0, and lets its exception out") {
  CHECK(weir::run([] { return 5; }) == 5);
  CHECK(weir::run([] {}) == 0);
  CHECK(*weir::run([] { return std::make_unique<int>(3); }) == 3);
  CHECK_THROWS_WITH(weir::run([]() -> int { throw std::runtime_error("from main"); }), "from main");
}

TEST_CASE("run inside an actor is misuse, with place and remedy") {
  weir::run([] {
    CHECK_THROWS_WITH(weir::run([] {}), Catch::Contains("run: run blocks its thread") &&
                                            Catch::Contains("actor \"main\"") && Catch::Contains("runtime_test.cc:") &&
                                            Catch::Contains("Use weir::spawn"));
  });
}

TEST_CASE("options out of range are refused with rule, value, place and remedy") {
  CHECK_THROWS_WITH(weir::runtime({.workers = 0}),
                    Catch::Contains("runtime_options.workers must be 1..1024, got 0 (runtime_test.cc:") &&
                        Catch::Contains("Leave it out for one worker per usable core."));
  CHECK_THROWS_AS(weir::runtime({.workers = 5000}), weir::misuse);
  CHECK_THROWS_AS(weir::runtime({.grace = -1s}), weir::misuse);
  CHECK_THROWS_AS(weir::runtime({.blocking_threads = 0}), weir::misuse);
}

TEST_CASE("child: WEIR_WORKERS", "[.child]") {
  try {
    weir::runtime r;
    std::printf("workers=%d\n", r.workers());
  } catch (const weir::misuse& e) {
    std::printf("%s\n", e.what());
  }
}

TEST_CASE("WEIR_WORKERS sets the number of workers, and nonsense in it is refused") {
  CHECK_THAT(testing::run_child("child: WEIR_WORKERS", "WEIR_WORKERS=3").output, Catch::Contains("workers=3"));
  CHECK_THAT(testing::run_child("child: WEIR_WORKERS", "WEIR_WORKERS=two").output,
             Catch::Contains("WEIR_WORKERS must be 1..1024, got \"two\""));
}

TEST_CASE("what is left when main returns is cancelled and waited for") {
  std::atomic<int> ended{0};
  weir::run([&] {
    for (int i = 0; i < 20; ++i)
      weir::spawn("left", [&] {
        struct mark {
          std::atomic<int>& n;
          ~mark() { ++n; }
        } m{ended};
        weir::this_actor::sleep(weir::deadline::never());
      }).detach();
    weir::this_actor::sleep(1ms);
  });
  CHECK(ended == 20);
}

TEST_CASE("child: an actor that does not end", "[.child]") {
  weir::run({.workers = 2, .grace = 50ms}, [] {
    weir::spawn("deaf", [] {
      for (;;) {
        try {
          weir::this_actor::sleep(weir::deadline::never());
        } catch (const weir::cancelled&) {
          while (true) std::this_thread::yield();
        }
      }
    }).detach();
    weir::this_actor::yield();
  });
}

TEST_CASE("actors that outlive the grace are named on stderr and the process aborts") {
  const auto end = testing::run_child("child: an actor that does not end");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("1 actors still live 50 ms after main returned") && Catch::Contains("deaf"));
}

TEST_CASE("a handle may outlive its runtime") {
  std::optional<weir::actor<std::string>> kept;
  {
    weir::runtime r({.workers = 1});
    kept.emplace(r.spawn("short", [] { return std::string("a result that does not fit into the object itself"); }));
    kept->wait();
  }
  CHECK(kept->join() == "a result that does not fit into the object itself");
}
