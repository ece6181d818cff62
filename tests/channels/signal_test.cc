#include "weir/channels/signal.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/selector.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/signals.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using Catch::Contains;
using testing::eventually;
using testing::in_actor;
using testing::run_child;
using weir::internal::signal_waiters;

namespace {

using handler = void (*)(int);

handler handler_of(int n) {
  struct sigaction present {};
  sigaction(n, nullptr, &present);
  return present.sa_handler;
}

// True: the signal came.
bool await(int number) {
  return weir::select(weir::on_signal(number, [] { return true; }), weir::after(100s, [] { return false; }));
}

// All that was raised before has been dispatched: the second of two rounds of the dispatching thread begins after it.
void await_dispatch() {
  for (int i = 0; i < 2; ++i) {
    raise(SIGUSR2);
    CHECK(await(SIGUSR2));
  }
}

// The signal is kept for select from now on.
void take_over(int number) {
  weir::select(weir::on_signal(number, [] { FAIL("it was kept from before"); }), weir::otherwise([] {}));
}

}  // namespace

TEST_CASE("a select gets a signal, whether it waits already or comes later") {
  in_actor([] {
    take_over(SIGUSR1);
    testing::send_signal(SIGUSR1);
    CHECK(await(SIGUSR1));
    auto later = weir::spawn("sender", [] {
      eventually([] { return signal_waiters() == 1; });
      testing::send_signal(SIGUSR1);
    });
    CHECK(await(SIGUSR1));
    later.join();
    CHECK(signal_waiters() == 0);
  });
  CHECK(handler_of(SIGUSR1) == SIG_DFL);  // given back when the runtime had ended
}

TEST_CASE("each arrival goes to one wait, the longest") {
  in_actor([] {
    std::atomic<int> served{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 3; ++i) {
        s.spawn("waiter", [&, i] {
          EXPECT(await(SIGUSR1));
          EXPECT(served == i);
          ++served;
        });
        eventually([&] { return signal_waiters() == i + 1; });
      }
      for (int i = 1; i <= 3; ++i) {
        testing::send_signal(SIGUSR1);
        eventually([&] { return served == i; });
        CHECK(signal_waiters() == 3 - i);
      }
    });
  });
}

TEST_CASE("arrivals that nobody took fall together into one") {
  in_actor([] {
    take_over(SIGUSR1);
    take_over(SIGUSR2);
    for (int i = 0; i < 5; ++i) raise(SIGUSR1);
    await_dispatch();
    CHECK(await(SIGUSR1));
    CHECK(weir::select(weir::on_signal(SIGUSR1, [] { return false; }), weir::otherwise([] { return true; })));
  });
}

TEST_CASE("a signal beside channels, in a selector, and with priority") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    take_over(SIGUSR1);
    take_over(SIGUSR2);
    std::string order;
    weir::selector s;
    s.add(weir::on_recv(rx, [&](auto) { order += 'v'; }).priority(1));
    s.add(weir::on_signal(SIGUSR1, [&] { order += 's'; }));
    for (int i = 0; i < 3; ++i) tx.send(i);
    raise(SIGUSR1);
    await_dispatch();
    for (int i = 0; i < 4; ++i) s.select();
    CHECK(order == "svvv");
  });
}

TEST_CASE("a plain thread may wait for a signal without any runtime") {
  std::atomic<bool> got{false};
  std::thread waiting([&] { got = await(SIGUSR2); });
  while (signal_waiters() == 0) std::this_thread::yield();
  testing::send_signal(SIGUSR2);
  waiting.join();
  CHECK(got);
  { weir::runtime r({.workers = 1}); }
  CHECK(handler_of(SIGUSR2) == SIG_DFL);
}

TEST_CASE("a signal that somebody waits for is not given back with the last runtime") {
  std::atomic<bool> got{false};
  std::thread waiting([&] { got = await(SIGUSR2); });
  while (signal_waiters() == 0) std::this_thread::yield();
  { weir::runtime r({.workers = 1}); }
  testing::send_signal(SIGUSR2);
  waiting.join();
  CHECK(got);
  { weir::runtime r({.workers = 1}); }
  CHECK(handler_of(SIGUSR2) == SIG_DFL);
}

TEST_CASE("a cancel ends a wait for a signal; in unwinding its body runs rather than wait for ever") {
  in_actor([] {
    std::atomic<int> ran{0};
    struct at_end {
      std::atomic<int>& ran;
      ~at_end() {
        weir::select(weir::on_signal(SIGUSR1, [&] { ++ran; }));
      }
    };
    auto a = weir::spawn("waiter", [&] {
      const at_end later{ran};
      weir::select(weir::on_signal(SIGUSR1, [&] { ran += 100; }));
    });
    eventually([] { return signal_waiters() == 1; });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(ran == 1);
    CHECK(signal_waiters() == 0);
  });
}

TEST_CASE("signals that cannot be selected on are misuse") {
  const auto select_on = [](int n) { weir::select(weir::on_signal(n, [] {}), weir::otherwise([] {})); };
  for (const int n : {SIGKILL, SIGSTOP, SIGSEGV, SIGABRT, SIGQUIT, 0, -1, 1000})
    CHECK_THROWS_WITH(select_on(n),
                      Contains("on_signal: the signal must be one that can be waited for, got " + std::to_string(n)));
  const handler before = signal(SIGUSR2, [](int) {});
  CHECK_THROWS_WITH(select_on(SIGUSR2), Contains("got a handler of its own for SIGUSR2"));
  signal(SIGUSR2, SIG_IGN);
  select_on(SIGUSR2);
  CHECK(handler_of(SIGUSR2) == SIG_IGN);
  signal(SIGUSR2, before);
  { weir::runtime r({.workers = 1}); }
}

TEST_CASE("a forked child has none of the handlers, and may begin anew") {
  in_actor([] { take_over(SIGUSR1); }, 1);
  std::thread waiting([] { EXPECT(await(SIGUSR1)); });
  while (signal_waiters() == 0) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    bool right = handler_of(SIGUSR1) == SIG_DFL && signal_waiters() == 0;
#if !defined(WEIR_TSAN) && !defined(WEIR_ASAN)  // fork_test.cc says why
    right &= 7 == weir::run({.workers = 1}, [] {
               weir::select(weir::on_signal(SIGUSR1, [] {}), weir::otherwise([] {}));
               testing::send_signal(SIGUSR1);
               return weir::select(weir::on_signal(SIGUSR1, [] { return 7; }), weir::after(100s, [] { return 0; }));
             });
#endif
    _exit(right ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  testing::send_signal(SIGUSR1);
  waiting.join();
  testing::check_expectations();
  { weir::runtime r({.workers = 1}); }
}

TEST_CASE("child: SIGTERM and SIGINT of a program that selects on one of them", "[.child]") {
  for (const int n : {SIGINT, SIGTERM}) signal(n, SIG_DFL);
  std::_Exit(weir::run([] {
    take_over(SIGTERM);
    for (int i = 0; i < 3; ++i) {
      testing::send_signal(SIGTERM);
      EXPECT(await(SIGTERM));
    }
    EXPECT(!weir::this_actor::cancel_requested());
    std::puts("three taken"), std::fflush(stdout);
    testing::send_signal(SIGINT);  // has its default still
    weir::this_actor::sleep(weir::deadline::never());
  }));
}
TEST_CASE("the default of a signal is off once the program selects on it, and that of the other is not") {
  const auto end = run_child("child: SIGTERM and SIGINT of a program that selects on one of them");
  CHECK(end.exit_status == 130);
  CHECK_THAT(end.output, Contains("three taken"));
}
