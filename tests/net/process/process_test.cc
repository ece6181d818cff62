// weir::net::process: what a child gets, how its end is told, and what is left of it.
#include "weir/net/process/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/child.h"
#include "tests/net/folder.h"
#include "tests/net/occupied.h"
#include "tests/refused_syscall.h"
#include "tests/sanitized.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/channels/timer.h"
#include "weir/net/error.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

namespace {

using namespace std::chrono_literals;
using testing::folder;
using testing::in_actor;
using weir::net::exit_status;
using weir::net::io_status;
using weir::net::process;
using weir::net::process_spec;
using weir::net::stdio;

process_spec shell(const std::string& script) {
  return {.program = "sh", .arguments = {"-c", script}, .output = stdio::pipe()};
}

std::string read_all(weir::net::stream& from, weir::deadline limit = {}) {
  std::string all;
  std::array<char, 4096> part;
  for (;;) {
    const auto got = from.read_some(part, limit);
    all.append(part.data(), got.bytes);
    if (!got) return all;
  }
}

std::string output_of(process_spec spec) {
  spec.output = stdio::pipe();
  process p(std::move(spec));
  std::string all = read_all(p.output());
  CHECK(p.wait()->ok());
  return all;
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const weir::net::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

// No child of this process is left, not even as a zombie.
bool childless() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

}  // namespace

TEST_CASE("a child reads its input and writes its output and its errors") {
  in_actor([] {
    process p({.program = "sh",
               .arguments = {"-c", "read x; echo \"got $x\"; echo oops >&2; cat"},
               .input = stdio::pipe(),
               .output = stdio::pipe(),
               .errors = stdio::pipe()});
    CHECK(p.id() > 0);
    CHECK(p.input().write_all("one\n"));
    std::string line;
    CHECK(p.output().read_until(line, "\n"));
    CHECK(line == "got one\n");
    CHECK(p.errors().read_until(line, "\n"));
    CHECK(line == "oops\n");
    CHECK_FALSE(p.poll().has_value());
    const std::string much(300'000, 'x');
    weir::with_scope([&](weir::scope& s) {
      s.spawn("writer", [&] {
        EXPECT(p.input().write_all(much));
        EXPECT(p.input().shutdown());
      });
      CHECK((read_all(p.output()) == much));
    });
    CHECK(p.wait()->ok());
    CHECK(p.wait()->ok());
    CHECK(p.poll()->ok());
    CHECK(p.output().name() == "output of " + p.name());
    CHECK_FALSE(p.kill(SIGTERM));
  });
  CHECK(childless());
}

TEST_CASE("arguments reach the program as they are, and so do variables and the folder") {
  const folder here;
  in_actor([&] {
    CHECK(output_of({.program = "printf", .arguments = {"[%s]", "a b", "$HOME", "*", "", "'\""}}) ==
          "[a b][$HOME][*][]['\"]");
    CHECK(output_of({.program = "/usr/bin/env", .environment = {{"A=1", "B=2"}}, .variables = {"B=3", "C=4"}}) ==
          "A=1\nB=3\nC=4\n");
    CHECK(output_of({.program = "/usr/bin/env", .variables = {"WEIR_X=y"}}).find("WEIR_X=y\n") != std::string::npos);
    CHECK(output_of({.program = "pwd", .directory = here.path()}) ==
          std::filesystem::canonical(here.path()).string() + "\n");
  });
}

TEST_CASE("standard streams lead to nowhere, to a file, or errors to where the output goes") {
  const folder here;
  in_actor([&] {
    CHECK(output_of({.program = "cat"}) == "");  // its input is empty
    CHECK(output_of({.program = "sh", .arguments = {"-c", "echo a; echo b >&2"}, .errors = stdio::to_output()}) ==
          "a\nb\n");
    const int fd = open((here / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    process p(
        {.program = "sh", .arguments = {"-c", "echo a; echo b >&2"}, .output = stdio::to(fd), .errors = stdio::to(fd)});
    CHECK(p.wait()->ok());
    CHECK_FALSE(static_cast<bool>(p.output()));
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);  // it stays the caller's, as it was
    close(fd);
    CHECK(testing::content_of(here / "out") == "a\nb\n");
  });
}

TEST_CASE("the end is told with its status or its signal") {
  in_actor([] {
    CHECK(process(shell("exit 3")).wait() == exit_status{.code = 3});
    CHECK(process(shell("exit 3")).wait()->text() == "exit status 3");
    CHECK(process(shell("exit 3")).wait()->shell_status() == 3);
    process p({.program = "sleep", .arguments = {"1000"}});
    CHECK_FALSE(p.wait(1ms).has_value());
    CHECK(p.kill(SIGUSR1));
    const exit_status end = *p.wait();
    CHECK(end.signal == SIGUSR1);
    CHECK(end.text() == "killed by SIGUSR1");
    CHECK(end.shell_status() == 128 + SIGUSR1);
    CHECK_FALSE(end.ok());
  });
}

TEST_CASE("what cannot be started is an error with the program, and leaves nothing") {
  const folder here;
  const std::string plain = here.file("plain", "echo hi\n"), nonsense = here.file("nonsense", "\x01\x02\x03");
  REQUIRE(chmod(nonsense.c_str(), 0700) == 0);
  in_actor([&] {
    const std::size_t before = testing::open_descriptors();
    const auto start = [](process_spec spec) {
      spec.input = spec.output = stdio::pipe();
      return error_of([&] { process p(spec); });
    };
    CHECK(start({.program = "no-such-program"}) == "spawn no-such-program: no such file or directory (ENOENT)");
    CHECK(start({.program = plain}) == "spawn " + plain + ": permission denied (EACCES)");
    CHECK(start({.program = nonsense}) == "spawn " + nonsense + ": exec format error (ENOEXEC)");
    CHECK(start({.program = "/"}).find("EACCES") != std::string::npos);
    CHECK(start({.program = "true", .directory = here / "none"}) ==
          "spawn true in " + (here / "none") + ": no such file or directory (ENOENT)");
    CHECK(start({.program = "true", .directory = plain}) == "spawn true in " + plain + ": not a directory (ENOTDIR)");
    CHECK(start({.program = ""}).find("EINVAL") != std::string::npos);
    CHECK(start({.program = "true", .arguments = {std::string("a\0b", 3)}}).find("EINVAL") != std::string::npos);
    CHECK(start({.program = "true", .arguments = {std::string(1 << 20, 'x')}}).find("E2BIG") != std::string::npos);
    CHECK(error_of([&] { process p({.program = "true", .output = stdio::to(12345)}); }).find("EBADF") !=
          std::string::npos);
    CHECK(testing::open_descriptors() == before);
    CHECK(childless());
  });
}

TEST_CASE("a child starts with default signals, an empty mask, and no descriptor but the three") {
  signal(SIGPIPE, SIG_IGN);
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &some, nullptr);     // the workers inherit it
  const int leaky = open("/dev/null", O_RDONLY);  // as foreign libraries do
  in_actor([] {
    const std::string status = output_of({.program = "cat", .arguments = {"/proc/self/status"}});
    INFO(status);
    for (const std::string name : {"SigBlk", "SigIgn", "SigCgt"}) {
      INFO(name);
      const std::size_t at = status.find(name + ":\t");
      REQUIRE(at != std::string::npos);
      // 32 and 33 are the C library's own: posix_spawn ignores them, and who starts threads handles them.
      CHECK((std::stoull(status.substr(at + name.size() + 2, 16), nullptr, 16) & ~0x180000000ull) == 0);
    }
    // 3 is that of ls itself, for the folder.
    CHECK(
        output_of({.program = "ls", .arguments = {"/proc/self/fd"}, .input = stdio::pipe(), .errors = stdio::pipe()}) ==
        "0\n1\n2\n3\n");
  });
  close(leaky);
  pthread_sigmask(SIG_UNBLOCK, &some, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

TEST_CASE("a child that never reads its input fills the pipe, and the write says how much went at its deadline") {
  in_actor([] {
    process p({.program = "sleep", .arguments = {"1000"}, .input = stdio::pipe()});
    const auto put = p.input().write_all(std::string(1 << 20, 'x'), 20ms);
    CHECK(put.status == io_status::timeout);
    CHECK(put.bytes > 0);
    CHECK(put.bytes < 1u << 20);
    CHECK(p.terminate().signal == SIGTERM);
  });
}

TEST_CASE("a write to a child that has gone is a reset, and SIGPIPE stays away") {
  in_actor([] {
    process p({.program = "true", .input = stdio::pipe()});
    CHECK(p.wait()->ok());
    const auto put = p.input().write_all("x");
    CHECK(put.status == io_status::reset);
    CHECK(put.code == EPIPE);
    sigset_t pending;
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE) == 0);
  });
}

TEST_CASE("a child that ignores SIGTERM is killed after its grace, and not before") {
  in_actor([] {
    process_spec spec = shell("trap '' TERM; echo ready; while :; do sleep 1000; done");
    spec.own_group = true;
    spec.grace = 50ms;
    process p(spec);
    std::string line;
    CHECK(p.output().read_until(line, "\n"));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(p.terminate().signal == SIGKILL);
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
  });
  CHECK(childless());
}

TEST_CASE("a child that is stopped is terminated all the same") {
  in_actor([] {
    process p({.program = "sleep", .arguments = {"1000"}});
    CHECK(p.kill(SIGSTOP));
    CHECK(p.terminate().signal == SIGTERM);
  });
}

TEST_CASE("a child may close its output early, or leave it to others: its end is told by itself") {
  in_actor([] {
    process early(shell("exec >&-; exec sleep 1000"));
    CHECK(read_all(early.output()).empty());
    CHECK_FALSE(early.poll().has_value());
    CHECK(early.terminate().signal == SIGTERM);

    // The one it leaves behind keeps the pipe open.
    process_spec spec = shell("sleep 1000 & echo $!");
    spec.own_group = true;
    process p(spec);
    std::string line;
    CHECK(p.output().read_until(line, "\n"));
    std::array<char, 10> part;
    CHECK(p.output().read_some(part, 5ms).status == io_status::timeout);
    CHECK(p.wait()->ok());
    // It was in the group, so it goes, too.
    CHECK(p.output().read_some(part).status == io_status::end);

    process q(shell("sleep 1000 & echo $!"));
    CHECK(q.output().read_until(line, "\n"));
    CHECK(q.wait()->ok());
    CHECK(q.output().read_some(part, 5ms).status == io_status::timeout);
    kill(std::stoi(line), SIGKILL);
    CHECK(q.output().read_some(part).status == io_status::end);
  });
}

TEST_CASE("the end of a child is a case of select, and any number may wait for it") {
  in_actor([] {
    process p({.program = "cat", .input = stdio::pipe()});
    bool ended = false;
    weir::select(weir::net::on_exit(p, [&](std::optional<exit_status>) { ended = true; }), weir::after(1ms, [] {}));
    CHECK_FALSE(ended);
    weir::with_scope([&](weir::scope& s) {
      std::atomic<int> heard{0};
      for (int i = 0; i < 10; ++i)
        s.spawn("waiter", [&, i] {
          if (i % 2 == 0) {
            EXPECT(p.wait()->ok());
          } else {
            weir::select(weir::net::on_exit(p, [&](std::optional<exit_status> e) { EXPECT(e && e->ok()); }));
          }
          ++heard;
        });
      weir::this_actor::sleep(5ms);
      CHECK(heard == 0);
      p.input().close();
      testing::eventually([&] { return heard == 10; });
    });
    weir::select(weir::net::on_exit(p, [&](std::optional<exit_status> e) { ended = e->ok(); }));
    CHECK(ended);
  });
}

TEST_CASE("a child does not outlive the scope that has its handle, however that ends") {
  in_actor([] {
    std::atomic<pid_t> first{0}, second{0};
    weir::with_scope([&](weir::scope& s) {
      s.spawn("waits", [&] {
        process p({.program = "sleep", .arguments = {"1000"}});
        first = p.id();
        p.wait();
      });
      s.spawn("reads", [&] {
        process p({.program = "sleep", .arguments = {"1000"}, .output = stdio::pipe()});
        second = p.id();
        (void)read_all(p.output());
      });
      testing::eventually([&] { return first != 0 && second != 0; });
      s.cancel();
    });
    CHECK(kill(first, 0) == -1);
    CHECK(kill(second, 0) == -1);
    CHECK(childless());
    CHECK_THROWS_AS(weir::with_timeout(20ms,
                                       [] {
                                         process p({.program = "sleep", .arguments = {"1000"}});
                                         p.wait();
                                       }),
                    weir::timed_out);
    CHECK(childless());
    process moved({.program = "sleep", .arguments = {"1000"}});
    const pid_t before = moved.id();
    moved = process({.program = "true"});
    CHECK(kill(before, 0) == -1);
    CHECK(moved.wait()->ok());
  });
  CHECK(childless());
}

TEST_CASE("nor one that cannot be waited for") {
  const auto end = testing::run_child("a handle ends while the kernel has no room for a wait");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a handle ends while the kernel has no room for a wait", "[.child]") {
  pid_t child;
  {
    process p(shell("trap '' TERM; echo ready; exec sleep 1000"));
    child = p.id();
    std::string line;
    CHECK(p.output().read_until(line, "\n"));
    if (!testing::refuse_syscall(SYS_epoll_ctl, ENOSPC)) return;
    CHECK_THROWS_AS(p.wait(60s), std::system_error);  // as the end of the handle will meet it
  }
  const bool gone = childless();
  CHECK(gone);
  if (!gone) kill(child, SIGKILL);
}

TEST_CASE("a child that has become another user's is left alone") {
  const auto end = testing::run_child("a handle ends whose child is another user's");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a handle ends whose child is another user's", "[.child]") {
  pid_t child;
  {
    process p({.program = "cat", .input = stdio::pipe()});  // ends when its input does
    child = p.id();
    if (setresuid(65534, 65534, 0) != 0) return;  // only root can become another one, and be back
    CHECK(error_of([&] { p.kill(SIGTERM); }) == "kill " + p.name() + ": operation not permitted (EPERM)");
  }
  REQUIRE(setresuid(0, 0, 0) == 0);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
}

TEST_CASE("a process works from a plain thread, which it blocks") {
  process p(shell("echo hi"));
  CHECK(read_all(p.output()) == "hi\n");
  CHECK(p.wait()->ok());
  process q({.program = "sleep", .arguments = {"1000"}});
  CHECK_FALSE(q.wait(1ms).has_value());
  CHECK(q.terminate().signal == SIGTERM);
  { process left({.program = "sleep", .arguments = {"1000"}}); }
  CHECK(childless());
}

TEST_CASE("descriptors, memory and zombies stay flat over many children, whatever becomes of them") {
  in_actor([] {
    { process warm_up(shell("exit 0")); }
    const std::size_t before = testing::open_descriptors();
    const int rounds = testing::rounds(1000);
    std::size_t memory = 0;
    weir::with_scope([&](weir::scope& s) {
      for (int n = 0; n < 4; ++n)
        s.spawn("parent", [&, n] {
          for (int i = n; i < rounds; i += 4) {
            if (i == rounds / 4) memory = testing::occupied();
            if (i % 50 == 7) {
              EXPECT(error_of([] { process p({.program = "no-such-program", .input = stdio::pipe()}); }) !=
                     "nothing was thrown");
              continue;
            }
            process p({.program = i % 3 == 0 ? "true" : "cat",
                       .input = stdio::pipe(),
                       .output = stdio::pipe(),
                       .errors = stdio::pipe()});
            switch (i % 5) {
              case 0:
                p.input().close();
                EXPECT(p.wait().has_value());
                break;
              case 1:
                p.kill(SIGKILL);
                break;
              case 2:
                p.output().close();
                break;
              case 3:
                (void)p.input().write_all("x", 1ms);
                break;
              default:
                break;
            }
          }
        });
    });
    CHECK(childless());
    CHECK(testing::open_descriptors() == before);
    if (!testing::sanitized) CHECK(testing::occupied() < memory + (1 << 20));
  });
}

TEST_CASE("a program that ignores SIGCHLD loses the status, and is told so") {
  const auto end = testing::run_child("a process in a program that ignores SIGCHLD");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a process in a program that ignores SIGCHLD", "[.child]") {
  signal(SIGCHLD, SIG_IGN);
  in_actor([] {
    process p({.program = "cat", .input = stdio::pipe()});  // lives until its input ends
    p.input().close();
    CHECK(error_of([&] { p.wait(); }) == "wait " + p.name() + ": no child processes (ECHILD)");
    // This one may have ended before it is looked at.
    CHECK_THAT(error_of([&] { process({.program = "true"}).wait(); }),
               Catch::EndsWith(": no child processes (ECHILD)"));
  });
}
