// fork() in a program with a runtime: the child is told what it must not use, whatever it tries first.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;

namespace {

// Forks; the child runs f and exits with 0, the parent prints how it ended. A child that hangs is ended by SIGALRM.
template <class F>
void in_fork(F f) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    try {
      f();
    } catch (const weir::misuse& e) {
      std::printf("misuse: %s\n", e.what());
      std::fflush(stdout);
      _exit(3);
    }
    std::fflush(nullptr);
    _exit(0);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) != pid) {
  }
  if (WIFSIGNALED(status)) std::printf("child: signal %d\n", WTERMSIG(status));
  if (WIFEXITED(status)) std::printf("child: exit %d\n", WEXITSTATUS(status));
}

void check_refused(const testing::child_end& end, const std::string& call) {
  CHECK_THAT(end.output,
             Catch::Contains(call + ": what weir made before fork() works only in the process that made it, got ") &&
                 Catch::Contains(" in a forked child (fork_test.cc:") &&
                 Catch::Contains("In the child call exec or _exit"));
}
// Of the children, at least one ended like this. None may have waited for ever.
void check_children(const testing::child_end& end, const std::string& how) {
  CHECK_THAT(end.output, Catch::Contains("child: " + how + "\n"));
  CHECK_THAT(end.output, !Catch::Contains("child: signal " + std::to_string(SIGALRM)));
}
const std::string aborted = "signal " + std::to_string(SIGABRT);

}  // namespace

TEST_CASE("child: the parent's runtime on a plain thread", "[.child]") {
  weir::runtime r({.workers = 2});
  auto never = weir::channel<int>(0);
  auto parked = r.spawn("parked", [rx = never.rx] { rx.recv(); });
  while (never.rx.waiting() != 1) std::this_thread::yield();
  in_fork([&] { r.spawn([] {}).join(); });
  in_fork([&] { r.run([] {}); });
  in_fork([&] { parked.join(); });
  in_fork([&] { parked.cancel(); });
  in_fork([&] { never.tx.send(1); });
  in_fork([&] { never.tx.close(); });
  in_fork([&] { auto gone = std::move(parked); });
  in_fork([&] { r.~runtime(); });
  auto meeting = weir::channel<int>(0);
  std::thread waits([&] { meeting.rx.recv(); });
  while (meeting.rx.waiting() != 1) std::this_thread::yield();
  in_fork([&] { meeting.tx.send(1); });
  meeting.tx.send(1);
  waits.join();
  in_fork([&] { weir::channel<int>(0).tx.send(1, 1ms); });  // its own: no use of the parent's
  never.tx.close();
  parked.join();
  std::puts("the parent goes on");
}

TEST_CASE("in a forked child every use of the parent's runtime, of its handles and of who waits is refused") {
  const auto end = testing::run_child("child: the parent's runtime on a plain thread");
  CHECK(end.exit_status == 0);
  for (const char* call : {"spawn", "join", "cancel", "wake", "~actor", "~runtime"}) check_refused(end, call);
  for (const std::string& how : {std::string("exit 3"), aborted, std::string("exit 0")}) check_children(end, how);
  CHECK_THAT(end.output, Catch::Contains("got actor \"parked\" (#1) in a forked child"));
  CHECK_THAT(end.output, Catch::Contains("got a runtime of the parent in a forked child"));
  CHECK_THAT(end.output, Catch::Contains("got a waiting thread of the parent in a forked child"));
  CHECK_THAT(end.output, Catch::Contains("the parent goes on"));
}

TEST_CASE("child: a wait on the parent's channel", "[.child]") {
  weir::runtime r({.workers = 1});
  auto c = weir::channel<int>(1, "inherited");
  in_fork([&] { c.rx.recv(); });
  in_fork([&] { weir::select(weir::on_recv(c.rx, [](auto) {})); });
  in_fork([&] {
    c.tx.send(1);
    weir::select(weir::on_send(c.tx, 2, [] {}));
  });
}

TEST_CASE("in a forked child a wait on a channel of the parent is refused, as nobody would end it") {
  const auto end = testing::run_child("child: a wait on the parent's channel");
  check_refused(end, "recv");
  check_refused(end, "select");
  check_children(end, aborted);
  CHECK_THAT(end.output, Catch::Contains("a wait on a channel named inherited"));
  CHECK_THAT(end.output, !Catch::Contains("child: exit"));
}

TEST_CASE("child: an actor that forks and goes on", "[.child]") {
  weir::run({.workers = 2}, [] {
    auto c = weir::channel<int>(0);
    in_fork([&] { (void)weir::spawn([] {}); });
    in_fork([&] { weir::with_scope([](weir::scope&) {}); });
    in_fork([&] { weir::run([] {}); });
    in_fork([&] { (void)c.rx.recv(1ms); });
    in_fork([&] { weir::this_actor::sleep(1ms); });
    in_fork([] { std::puts("computed"); });
    weir::with_scope([](weir::scope&) {
      // A child that just leaves the function it was forked in.
      std::fflush(nullptr);
      const pid_t pid = fork();
      if (pid == 0) return;
      int status = 0;
      waitpid(pid, &status, 0);
      std::printf("left: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    });
    std::puts("the parent goes on");
  });
}

TEST_CASE("a forked child that was an actor cannot go on as one, nor start anew on the actor's stack") {
  const auto end = testing::run_child("child: an actor that forks and goes on");
  CHECK(end.exit_status == 0);
  for (const char* call : {"spawn", "with_scope", "runtime", "park"}) check_refused(end, call);
  check_children(end, "exit 3");
  check_children(end, aborted);
  CHECK_THAT(end.output, Catch::Contains("got actor \"main\" (#1), which called fork() and goes on in a forked child"));
  CHECK_THAT(end.output, Catch::Contains("computed\nchild: exit 0\n"));
  CHECK_THAT(end.output, Catch::Contains("left: " + aborted + "\nthe parent goes on\n"));
}

// Not for sanitizers: TSan does not survive new threads in the child of a process that had several, and in GCC 12 a
// lock of ASan's allocator may be held by a thread that is not in the child.
#if !defined(WEIR_TSAN) && !defined(WEIR_ASAN)
TEST_CASE("child: a fresh runtime in the child", "[.child]") {
  const auto sum = [] {
    return weir::run({.workers = 2}, [] {
      auto [tx, rx] = weir::channel<int>(1);
      auto producer = weir::spawn("producer", [tx = std::move(tx)] {
        for (int i = 1; i <= 100; ++i) tx.send(i);
      });
      int total = 0;
      for (int& v : rx) total += v;
      return total;
    });
  };
  weir::runtime r({.workers = 2});
  auto never = weir::channel<int>(0);
  auto parked = r.spawn("parked", [rx = never.rx] { rx.recv(); });
  while (never.rx.waiting() != 1) std::this_thread::yield();
  in_fork([&] {
    std::printf("sum %d\n", sum());
    in_fork([&] { std::printf("the child's child: sum %d\n", sum()); });
    // The thread that answers SIGQUIT is not copied either; a runtime of one's own starts it anew.
    weir::runtime own({.workers = 1});
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0) _exit(1);
    raise(SIGQUIT);
    char report[100] = {};
    if (read(ends[0], report, sizeof report - 1) > 0) std::printf("report: %s", report);
  });
  in_fork([] { raise(SIGQUIT); });
  never.tx.close();
  parked.join();
}

TEST_CASE("a forked child may start anew with weir::run, and so may its child") {
  const auto end = testing::run_child("child: a fresh runtime in the child");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("sum 5050\nthe child's child: sum 5050\n"));
  CHECK_THAT(end.output, Catch::Contains("report: weir: 0 actors, 1 worker"));  // the parent's are not its own
  check_children(end, "signal " + std::to_string(SIGQUIT));
}
#endif

TEST_CASE("fork and exec is nothing special, from an actor and from a plain thread") {
  const auto status_of_exec = [] {
    const pid_t pid = fork();
    if (pid == 0) {
      execl("/bin/sh", "sh", "-c", "exit 7", static_cast<char*>(nullptr));
      _exit(1);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) != pid) {
    }
    return WEXITSTATUS(status);
  };
  weir::runtime r({.workers = testing::workers()});
  CHECK(status_of_exec() == 7);
  CHECK(r.run(status_of_exec) == 7);
  CHECK(r.run([&] { return weir::spawn("forks", status_of_exec).join(); }) == 7);
}
