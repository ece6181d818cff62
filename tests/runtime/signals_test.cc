#include "weir/runtime/internal/signals.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using Catch::Contains;
using testing::run_child;

namespace {

using handler = void (*)(int);

handler handler_of(int n) {
  struct sigaction present {};
  sigaction(n, nullptr, &present);
  return present.sa_handler;
}

// Whoever started this process may have it ignore some.
void begin_with_defaults() {
  for (const int n : {SIGINT, SIGTERM}) signal(n, SIG_DFL);
}

struct says_unwound {
  const char* who;
  ~says_unwound() { std::printf("%s unwound\n", who), std::fflush(stdout); }
};

[[noreturn]] void leave(int status) {
  std::fflush(stdout);
  std::_Exit(status);
}

void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }

volatile sig_atomic_t own_signals = 0;
void own_handler(int) { own_signals = own_signals + 1; }

}  // namespace

TEST_CASE("child: SIGTERM while main and its scope wait", "[.child]") {
  begin_with_defaults();
  leave(weir::run([] {
    const says_unwound main{"main"};
    weir::with_scope([](weir::scope& s) {
      s.spawn("worker", [] {
        const says_unwound worker{"worker"};
        testing::send_signal(SIGTERM);
        sleep_for_ever();
      });
    });
  }));
}
TEST_CASE("the first SIGTERM cancels main and run returns 143") {
  const auto end = run_child("child: SIGTERM while main and its scope wait");
  CHECK(end.exit_status == 143);
  CHECK_THAT(end.output, Contains("worker unwound\nmain unwound\n"));
}

TEST_CASE("child: SIGINT while a main of int waits", "[.child]") {
  begin_with_defaults();
  leave(weir::run([]() -> int {
    testing::send_signal(SIGINT);
    sleep_for_ever();
    return 1;
  }));
}
TEST_CASE("the first SIGINT makes run return 130") {
  CHECK(run_child("child: SIGINT while a main of int waits").exit_status == 130);
}

TEST_CASE("child: SIGINT while a main of string waits", "[.child]") {
  begin_with_defaults();
  try {
    weir::run([]() -> std::string {
      testing::send_signal(SIGINT);
      sleep_for_ever();
      return "";
    });
  } catch (const weir::interrupted& i) {
    std::printf("interrupted by %d\n", i.signal());
    leave(7);
  }
}
TEST_CASE("run throws interrupted when main returns something else") {
  const auto end = run_child("child: SIGINT while a main of string waits");
  CHECK(end.exit_status == 7);
  CHECK_THAT(end.output, Contains("interrupted by 2"));
}

TEST_CASE("child: a main that finishes though it was cancelled", "[.child]") {
  begin_with_defaults();
  leave(weir::run([] {
    testing::send_signal(SIGTERM);
    while (!weir::this_actor::cancel_requested()) std::this_thread::yield();
    return 5;
  }));
}
TEST_CASE("a main that finishes though a signal cancelled it returns its value") {
  CHECK(run_child("child: a main that finishes though it was cancelled").exit_status == 5);
}

TEST_CASE("child: two signals against a main that cleans up", "[.child]") {
  begin_with_defaults();
  weir::run([] {
    struct slow {
      ~slow() {
        weir::shielded([] {
          std::puts("cleaning up"), std::fflush(stdout);
          testing::send_signal(SIGINT);
          sleep_for_ever();
        });
      }
    } const at_end;
    testing::send_signal(SIGTERM);
    sleep_for_ever();
  });
}
TEST_CASE("the second signal kills, whichever of the two it is") {
  const auto end = run_child("child: two signals against a main that cleans up");
  CHECK(end.signal == SIGINT);
  CHECK_THAT(end.output, Contains("cleaning up"));
}

TEST_CASE("child: two signals against workers that compute for ever", "[.child]") {
  begin_with_defaults();
  weir::run({.workers = 1}, [] {
    testing::send_signal(SIGTERM);
    while (!weir::this_actor::cancel_requested()) {
    }
    testing::send_signal(SIGTERM);
    for (;;) {
    }
  });
}
TEST_CASE("the second signal kills though no worker looks up") {
  CHECK(run_child("child: two signals against workers that compute for ever").signal == SIGTERM);
}

TEST_CASE("child: two runtimes and one signal", "[.child]") {
  begin_with_defaults();
  int ends[2] = {0, 0};
  std::atomic<int> ready{0};
  std::thread threads[2];
  for (int i : {0, 1})
    threads[i] = std::thread([&, i] {
      ends[i] = weir::run({.workers = 1}, [&] {
        ++ready;
        sleep_for_ever();
      });
    });
  while (ready < 2) std::this_thread::yield();
  testing::send_signal(SIGTERM);
  for (std::thread& t : threads) t.join();
  std::printf("%d %d %s\n", ends[0], ends[1], handler_of(SIGTERM) == SIG_DFL ? "given back" : "kept");
  leave(0);
}
TEST_CASE("one signal cancels the mains of all runtimes, and is given back with the last") {
  CHECK_THAT(run_child("child: two runtimes and one signal").output, Contains("143 143 given back"));
}

TEST_CASE("handlers are in place only while a main runs, and a forked child has none of them") {
  const handler before[] = {signal(SIGINT, SIG_DFL), signal(SIGTERM, SIG_DFL)};
  {
    weir::runtime r({.workers = 1});
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    r.run([] {
      CHECK(handler_of(SIGTERM) != SIG_DFL);
      CHECK(handler_of(SIGINT) != SIG_DFL);
      const pid_t child = fork();
      if (child == 0) _exit(handler_of(SIGTERM) == SIG_DFL && handler_of(SIGINT) == SIG_DFL ? 0 : 1);
      int status = -1;
      CHECK(waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    });
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    CHECK(handler_of(SIGINT) == SIG_DFL);
  }
  signal(SIGINT, before[0]), signal(SIGTERM, before[1]);
}

TEST_CASE("a signal that the program ignores or handles by itself is left alone") {
  const handler before[] = {signal(SIGINT, SIG_IGN), signal(SIGTERM, own_handler)};
  testing::in_actor([] {
    CHECK(handler_of(SIGINT) == SIG_IGN);
    CHECK(handler_of(SIGTERM) == own_handler);
    own_signals = 0;
    raise(SIGTERM);
    CHECK(own_signals == 1);
    CHECK_FALSE(weir::this_actor::cancel_requested());
  });
  CHECK(handler_of(SIGINT) == SIG_IGN);
  CHECK(handler_of(SIGTERM) == own_handler);
  signal(SIGINT, before[0]), signal(SIGTERM, before[1]);
}
