// What happens when the system has no more of something: descriptors, threads, memory, a system call.
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/refused_syscall.h"
#include "tests/short_memory.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/dump.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/offload.h"
#include "weir/runtime/parallel_for.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;

namespace {

std::size_t entries(const char* folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
  return n;
}

// What a failed construction must not leave behind.
struct holdings {
  std::size_t descriptors = entries("/proc/self/fd");
  std::size_t threads = entries("/proc/self/task");
};
[[maybe_unused]] void check_same(const holdings& before) {
  // A joined thread's entry goes a moment later than its join.
  testing::wait_until([&] { return entries("/proc/self/task") == before.threads; });
  const holdings after;
  if (after.descriptors != before.descriptors || after.threads != before.threads)
    std::printf("LEFT BEHIND: %zu descriptors of %zu, %zu threads of %zu\n", after.descriptors, before.descriptors,
                after.threads, before.threads);
}

// Makes a runtime with three workers; says how that went.
[[maybe_unused]] bool can_make_a_runtime() {
  try {
    weir::runtime r({.workers = 3});
    return r.run([] { return weir::spawn([] { return true; }).join(); });
  } catch (const std::system_error&) {
    return false;
  }
}

[[maybe_unused]] void limit(__rlimit_resource what, rlim_t soft) {
  rlimit l{};
  getrlimit(what, &l);
  l.rlim_cur = soft;
  setrlimit(what, &l);
}

[[maybe_unused]] rlim_t address_space() {
  std::ifstream file("/proc/self/statm");
  rlim_t pages = 0;
  file >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

#if !defined(WEIR_ASAN)  // its checks need what is short here: a pipe to look at a vptr, a thread to look for leaks
TEST_CASE("child: no descriptors", "[.child]") {
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  // The second time, what is opened once per process is there already, and nothing may be left behind.
  for (const bool first_loops : {true, false}) {
    const holdings before;
    const int first_free = dup(STDERR_FILENO);
    close(first_free);
    int failures = 0;
    for (int more = 0; more < 100; ++more) {
      limit(RLIMIT_NOFILE, static_cast<rlim_t>(first_free + more));
      const bool made = can_make_a_runtime();
      limit(RLIMIT_NOFILE, usual.rlim_cur);
      if (!first_loops) check_same(before);
      if (made) break;
      ++failures;
    }
    if (!first_loops) std::printf("failed %d times, then %s\n", failures, can_make_a_runtime() ? "works" : "does not");
  }
}

TEST_CASE("a runtime that cannot have its descriptors throws, wherever that happens, and leaves nothing behind") {
  const auto end = testing::run_child("child: no descriptors");
  CHECK(end.exit_status == 0);
  int failures = 0;
  const auto at = end.output.find("failed ");
  REQUIRE(at != std::string::npos);
  REQUIRE(std::sscanf(end.output.c_str() + at, "failed %d times, then works", &failures) == 1);
  CHECK(failures >= 3 * 3);  // each worker takes an epoll set, a doorbell and a loop, which takes more than one
  CHECK(failures < 100);
  CHECK_THAT(end.output, !Catch::Contains("LEFT BEHIND"));
}

TEST_CASE("child: no threads", "[.child]") {
  if (!can_make_a_runtime()) return;  // what is opened once per process
  const holdings before;
  if (!testing::refuse_syscall(SYS_clone3, EAGAIN) || !testing::refuse_syscall(SYS_clone, EAGAIN)) return;
  try {
    weir::runtime r({.workers = 2});
  } catch (const std::system_error& e) {
    std::printf("thrown: %d\n", e.code().value());
  }
  check_same(before);
}

TEST_CASE("a runtime that cannot have a thread throws and leaves nothing behind") {
  const auto end = testing::run_child("child: no threads");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("thrown: " + std::to_string(EAGAIN)) && !Catch::Contains("LEFT BEHIND"));
}
#endif

#if !defined(WEIR_ASAN)  // as above
TEST_CASE("child: no threads for a pool", "[.child]") {
  const auto say = [](const char* call, auto use) {
    try {
      use();
      std::printf("%s: done\n", call);
    } catch (const std::system_error& e) {
      std::printf("%s: %d\n", call, e.code().value());
    }
  };
  weir::run({.workers = 1}, [&] {
    weir::cpu_pool has_one({.threads = 3});
    has_one.submit([] {}).get();
    if (!testing::refuse_syscall(SYS_clone3, EAGAIN) || !testing::refuse_syscall(SYS_clone, EAGAIN)) return;
    say("offload", [] { weir::offload([] {}); });
    say("blocking", [] { weir::blocking([] {}); });
    say("submit", [] { weir::submit([] {}); });
    say("parallel_for", [] {
      std::vector<int> numbers(100);
      weir::parallel_for(numbers, [](int&) {});
    });
    // No place was lost with those that failed.
    weir::cpu_pool narrow({.threads = 1, .bound = 1});
    for (int i = 0; i < 3; ++i) say("narrow", [&] { narrow.submit([] {}); });
    say("with one thread", [&] {
      std::vector<weir::future<void>> all;
      for (int i = 0; i < 50; ++i) all.push_back(has_one.submit([] {}));
      for (auto& f : all) f.get();
    });
  });
}

TEST_CASE("a pool that cannot have a single thread throws, one that has fewer than it may works with those") {
  const auto end = testing::run_child("child: no threads for a pool");
  CHECK(end.exit_status == 0);
  for (const char* call : {"offload", "blocking", "submit", "parallel_for"})
    CHECK_THAT(end.output, Catch::Contains(call + std::string(": ") + std::to_string(EAGAIN) + "\n"));
  const std::string narrow = "narrow: " + std::to_string(EAGAIN) + "\n";
  CHECK_THAT(end.output, Catch::Contains(narrow + narrow + narrow));
  CHECK_THAT(end.output, Catch::Contains("with one thread: done"));
}
#endif

#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN)  // they map what they need themselves, and die if they cannot
TEST_CASE("child: threads for some workers only", "[.child]") {
  if (!can_make_a_runtime()) return;
  // A stack larger than what the C library keeps of those that ended.
  constexpr rlim_t stack = rlim_t{64} << 20;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  pthread_setattr_default_np(&attributes);
  const holdings before;
  int failures = 0;
  // Three workers and the watchdog.
  for (rlim_t stacks = 0; stacks < 20; ++stacks) {
    limit(RLIMIT_AS, address_space() + stacks * stack + stack / 2);
    const bool made = can_make_a_runtime();
    limit(RLIMIT_AS, RLIM_INFINITY);
    check_same(before);
    if (made) break;
    ++failures;
  }
  std::printf("failed %d times, then %s\n", failures, can_make_a_runtime() ? "works" : "does not");
}

TEST_CASE("a runtime that gets threads for some of its workers ends those, throws, and leaves nothing behind") {
  const auto end = testing::run_child("child: threads for some workers only");
  CHECK(end.exit_status == 0);
  int failures = 0;
  const auto at = end.output.find("failed ");
  REQUIRE(at != std::string::npos);
  REQUIRE(std::sscanf(end.output.c_str() + at, "failed %d times, then works", &failures) == 1);
  CHECK(failures >= 4);
  CHECK(failures < 20);
  CHECK_THAT(end.output, !Catch::Contains("LEFT BEHIND"));
}
#endif

TEST_CASE("child: no memory for a timer", "[.child]") {
  weir::run({.workers = 1}, [] {
    const testing::short_memory none;
    weir::this_actor::sleep(1h);
  });
}

TEST_CASE("without memory for a deadline the process ends and says why") {
  const auto end = testing::run_child("child: no memory for a timer");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("weir: no memory for one more deadline, beside 0 on this worker.") &&
                             Catch::Contains("Let fewer actors wait with a deadline at once"));
}

TEST_CASE("a dump without memory says so, and the program goes on") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  weir::runtime r({.workers = 1});
  auto [tx, rx] = weir::channel<int>(0);
  auto parked = r.spawn("parked", [rx = rx] { rx.recv(); });
  while (rx.waiting() != 1) std::this_thread::yield();
  {
    const testing::short_memory none;
    weir::dump_actors(ends[1]);
  }
  close(ends[1]);
  std::string text(1000, '\0');
  const auto n = read(ends[0], text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  close(ends[0]);
  CHECK_THAT(text, Catch::Contains("1 actors, not enough memory to list them"));
  tx.close();
  parked.join();
}

TEST_CASE("child: no epoll_pwait2", "[.child]") {
  if (!testing::refuse_syscall(SYS_epoll_pwait2, ENOSYS)) return;
  epoll_event e;
  if (epoll_pwait2(-1, &e, 1, nullptr, nullptr) != -1 || errno != ENOSYS) return;
  weir::runtime r({.workers = 2});
  auto [tx, rx] = weir::channel<int>(0);
  auto receiver = r.spawn("receiver", [rx = rx] {
    int sum = 0;
    for (int& v : rx) sum += v;
    return sum;
  });
  bool early = false;
  r.run([&] {
    for (const auto d : {0us, 1us, 300us, 999us, 1000us, 1001us, 7500us}) {
      const auto begin = std::chrono::steady_clock::now();
      weir::this_actor::sleep(d);
      early |= std::chrono::steady_clock::now() - begin < d;
    }
  });
  for (int i = 1; i <= 100; ++i) {
    tx.send(i);
    std::this_thread::sleep_for(100us);  // longer than the search: the workers sleep, with no deadline
  }
  tx.close();
  std::printf("sum %d, %s\n", receiver.join(), early ? "woke early" : "never early");
}

TEST_CASE("on a kernel without epoll_pwait2 workers sleep and wake all the same, never early") {
  const auto end = testing::run_child("child: no epoll_pwait2");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("sum 5050, never early"));
}
