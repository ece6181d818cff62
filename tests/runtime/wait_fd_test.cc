// Waits for descriptors that weir does not own: their library reads as much as it likes, closes them when it likes, and
// their numbers come back as others'.
#include "weir/runtime/wait_fd.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/deadlocks.h"
#include "tests/dump.h"
#include "tests/runtime/descriptors.h"
#include "tests/testing.h"
#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/watched.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace testing;
using weir::fd_event;
using weir::wait_fd;

namespace {

constexpr auto readable = fd_event::readable, writable = fd_event::writable, either = fd_event::either;

void put(int fd, const char* text = "x") {
  const std::string_view all(text);
  EXPECT(write(fd, all.data(), all.size()) == static_cast<ssize_t>(all.size()));
}

void drain(int fd) {
  char buffer[256];
  while (read(fd, buffer, sizeof buffer) > 0) {
  }
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += is_open(fd);
  return count;
}

}  // namespace

TEST_CASE("wait_fd waits for a foreign descriptor as long as it is not drained") {
  const auto [here, there] = sockets();
  in_actor([&] {
    CHECK(!wait_fd(here, readable, 5ms));
    CHECK(wait_fd(here, writable));
    CHECK(wait_fd(here, either));
    put(there, "abc");
    for (int i = 0; i < 3; ++i) {
      CHECK(wait_fd(here, readable));
      CHECK(wait_fd(here, readable));  // nothing was read in between
      CHECK(wait_fd(here, readable, weir::deadline(-1ms)));
      char one;
      CHECK(read(here, &one, 1) == 1);
    }
    CHECK(!wait_fd(here, readable, 1ms));
    CHECK(!wait_fd(here, readable, weir::deadline(-1ms)));
  });
  close(here), close(there);
}

TEST_CASE("a wait for a foreign descriptor parks and says in a dump what for") {
  const auto [here, there] = sockets();
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      s.spawn("driver", [&] { EXPECT(wait_fd(here, readable)); });
      eventually([] { return waits("driver", "wait_fd"); });
      CHECK(row(dump(), "driver").find("wait_fd fd " + std::to_string(here) + " readable") != std::string::npos);
      put(there);
    });
  });
  close(here), close(there);
}

TEST_CASE("any number wait for one descriptor in both directions and each is woken") {
  const auto [here, there] = sockets();
  in_actor([&] {
    while (write(here, std::string(4096, 'x').data(), 4096) > 0) {
    }
    std::atomic<int> read_ready{0}, write_ready{0}, late{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 20; ++i) {
        s.spawn("r" + std::to_string(i), [&] { read_ready += wait_fd(here, readable); });
        s.spawn("w" + std::to_string(i), [&] { write_ready += wait_fd(here, writable); });
      }
      s.spawn("late", [&] { late += !wait_fd(here, readable, 1ms); });
      eventually([&] {
        if (late == 0) return false;
        const std::string table = dump();
        for (int i = 0; i < 20; ++i)
          for (const char* side : {"r", "w"})
            if (row(table, side + std::to_string(i)).find(" wait_fd ") == std::string::npos) return false;
        return true;
      });
      CHECK(read_ready == 0);
      CHECK(write_ready == 0);
      drain(there);
      eventually([&] { return write_ready == 20; });
      CHECK(read_ready == 0);
      put(there);
    });
    CHECK(read_ready == 20);
    CHECK(late == 1);
  });
  close(here), close(there);
}

TEST_CASE("a wait for a foreign descriptor is cancelled and its deadline holds") {
  const auto [here, there] = sockets();
  in_actor([&] {
    CHECK(!weir::within(5ms, [&] { EXPECT(wait_fd(here, readable)); }));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(!wait_fd(here, readable, 20ms));
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    put(there);
    CHECK(wait_fd(here, readable));
  });
  close(here), close(there);
}

TEST_CASE("a descriptor that is not open and a file are misuse that says so") {
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  in_actor([&] {
    for (const weir::deadline limit : {weir::deadline(), weir::deadline(-1ms)}) {
      CHECK_THROWS_WITH(wait_fd(1'000'000, readable, limit),
                        Catch::Contains("wait_fd: the descriptor must be open, got fd 1000000"));
      CHECK_THROWS_AS(wait_fd(-1, readable, limit), weir::misuse);
      CHECK_THROWS_WITH(wait_fd(file, readable, limit),
                        Catch::Contains("which is a file or a folder") && Catch::Contains("weir::blocking"));
    }
  });
  close(file);
}

TEST_CASE("a foreign descriptor may be closed between waits and its number come back") {
  in_actor([&] {
    const std::size_t before = open_descriptors();
    std::mt19937 random(7);
    for (int i = 0; i < rounds(3000); ++i) {
      const auto [here, there] = sockets();
      if (random() % 2 == 0) CHECK(!wait_fd(here, readable, weir::deadline(std::chrono::microseconds(random() % 20))));
      if (random() % 4 == 0) weir::this_actor::yield();
      put(there);
      CHECK(wait_fd(here, readable));
      close(here), close(there);
    }
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("one that is closed under a waiter ends at its deadline and nobody else's wait is lost") {
  in_actor([&] {
    for (int i = 0; i < rounds(100); ++i) {
      const auto [here, there] = sockets();
      std::atomic<bool> over{false};
      weir::with_scope([&](weir::scope& s) {
        s.spawn("first", [&] {
          EXPECT(!wait_fd(here, readable, 10ms));
          over = true;
        });
        eventually([&] { return over || waits("first", "wait_fd"); });  // over: this one was too slow to see it wait
        const int copy = i % 2 == 0 ? dup(here) : -1;                   // the kernel keeps the old registration
        close(here);
        const auto [again, other] = sockets_at(here);
        s.spawn("second", [&] { EXPECT(wait_fd(again, readable)); });
        eventually([] { return waits("second", "wait_fd"); });
        eventually([&] { return over.load(); });
        CHECK(waits("second", "wait_fd"));
        put(other);
        eventually([] { return !waits("second", "wait_fd"); });
        if (copy >= 0) close(copy);
        close(again), close(other), close(there);
      });
    }
  });
}

TEST_CASE("the number of a foreign descriptor may come back as one of weir's own") {
  in_actor([&] {
    const auto [here, there] = sockets();
    CHECK(!wait_fd(here, readable, 1ms));
    close(here);
    const auto [again, other] = sockets_at(here);
    descriptor d(again, descriptor::kind::bytes);
    char one;
    CHECK(read_some(d, &one, 1, 1ms).how == wait_result::timeout);
    CHECK(!wait_fd(again, readable, 1ms));  // and both at once
    weir::with_scope([&](weir::scope& s) {
      s.spawn([&] { EXPECT(read_some(d, &one, 1).bytes == 1); });
      put(other);
    });
    CHECK(wait_fd(again, writable));
    put(other);
    CHECK(wait_fd(again, readable));
    CHECK(read_some(d, &one, 1).bytes == 1);
    close(there), close(other);
  });
}

TEST_CASE("a set that ends does not touch who has the memory of one of its members by now") {
  using namespace weir::internal;
  const auto [here, there] = sockets();
  readiness_set ended;
  watched& member = acquire_watched(true);
  const watched_token late = from_token(token_of(member, false));
  release_watched(member);  // and the next wait has it
  std::atomic<bool> over{false};
  std::thread ends([&] {
    while (!over) {
      forget_set(late, ended);
      std::this_thread::yield();  // else it would lose its core, if cores are few, with the member's lock held
    }
  });
  for (int i = 0; i < rounds(2000); ++i) CHECK(!wait_fd(here, readable, 10us));
  over = true;
  ends.join();
  close(here), close(there);
}

TEST_CASE("plain threads wait for foreign descriptors") {
  const auto [here, there] = sockets();
  CHECK(!wait_fd(here, readable, 2ms));
  std::vector<std::thread> threads;
  std::atomic<int> woken{0};
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { woken += wait_fd(here, readable); });
  put(there);
  for (std::thread& t : threads) t.join();
  CHECK(woken == 4);
  close(here), close(there);
  check_expectations();
}

TEST_CASE("an epoll set and an eventfd of a library can be waited for") {
  const int set = epoll_create1(EPOLL_CLOEXEC), counter = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event e{EPOLLIN, {.u64 = 0}};
  REQUIRE(epoll_ctl(set, EPOLL_CTL_ADD, counter, &e) == 0);
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      s.spawn("a", [&] { EXPECT(wait_fd(set, readable)); });
      s.spawn("b", [&] { EXPECT(wait_fd(set, readable)); });
      eventually([] { return waits("a", "wait_fd") && waits("b", "wait_fd"); });
      CHECK(eventfd_write(counter, 1) == 0);
    });
  });
  close(set), close(counter);
}

TEST_CASE("a wait for a foreign descriptor is no deadlock") {
  const auto [here, there] = sockets();
  in_actor([&] {
    weir::internal::idle_threads_of_process.add_apart();  // the thread below, which uses no weir
    std::thread outside([&] {
      const looks l(1);
      l.await();
      put(there);
    });
    CHECK(wait_fd(here, readable));
    weir::internal::idle_threads_of_process.remove_apart();
    outside.join();
  });
  close(here), close(there);
}

TEST_CASE("events against timeouts and cancels of many waits: none is lost") {
  const auto [here, there] = sockets();
  in_actor([&] {
    constexpr int waiters = 6;
    std::atomic<int> taken{0};
    const int n = rounds(3000);
    weir::with_scope([&](weir::scope& s) {
      for (int w = 0; w < waiters; ++w)
        s.spawn([&, w] {
          std::mt19937 random(static_cast<unsigned>(w));
          char one;
          while (taken < n) {
            const auto limit = std::chrono::microseconds(random() % 200);
            if (random() % 4 == 0)
              (void)weir::within(limit, [&] { (void)wait_fd(here, readable); });
            else
              (void)wait_fd(here, readable, limit);
            if (read(here, &one, 1) == 1) ++taken;
          }
        });
      for (int i = 0; i < n; ++i) {
        put(there);
        if (i % 16 == 0) eventually([&] { return taken >= i; });
      }
    });
    CHECK(taken == n);
  });
  close(here), close(there);
}
