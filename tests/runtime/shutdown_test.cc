// The end of a runtime against threads that still want something of it, and what many ends leave behind.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::rounds;

namespace {

std::size_t entries(const char* folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
  return n;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t mappings() {
  std::ifstream file("/proc/self/maps");
  std::size_t n = 0;
  for (std::string line; std::getline(file, line);) ++n;
  return n;
}

}  // namespace

TEST_CASE("a foreign thread's send may complete while the runtime ends") {
  const int n = rounds(1000);
  for (int i = 0; i < n; ++i) {
    auto [tx, rx] = weir::channel<int>(0);
    std::thread foreign;
    {
      weir::runtime r({.workers = 1 + i % 2});
      auto a = r.spawn("receiver", [rx = rx] { return rx.recv().value(); });
      foreign = std::thread([tx = tx] { tx.send(1); });
      REQUIRE(a.join() == 1);
    }  // the runtime goes while the thread may still be ringing its bell
    foreign.join();
  }
}

TEST_CASE("foreign threads spawn while the runtime drains: each actor runs, or its spawn is refused") {
  const int n = rounds(300);
  for (int i = 0; i < n; ++i) {
    weir::runtime r({.workers = testing::workers()});
    std::atomic<int> spawned{0}, ran{0}, live{0}, ready{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        ++ready;
        try {
          for (;;) {
            while (live > 1000) std::this_thread::yield();
            r.spawn([&] {
               ++ran;
               --live;
             }).detach();
            ++spawned;
            ++live;
          }
        } catch (const weir::misuse& e) {
          EXPECT(std::string(e.what()).find("spawn: a runtime that ends takes no more actors from outside") == 0);
        }
      });
    while (ready < 3) std::this_thread::yield();
    // What ~runtime begins with. It goes on to destroy the object that the threads use, so it must not come before
    // them.
    r.core().drain();
    const int ran_before = ran;
    for (auto& t : threads) t.join();
    REQUIRE(ran == spawned);
    REQUIRE(ran == ran_before);
    REQUIRE(r.actors() == 0);
  }
  testing::check_expectations();
}

TEST_CASE("while a runtime ends, its actors may still spawn, and others may not") {
  std::atomic<bool> draining{false}, refused{false}, ran{false};
  std::thread foreign;
  {
    weir::runtime r({.workers = testing::workers()});
    r.spawn("unwinds", [&] {
       try {
         weir::this_actor::sleep(weir::deadline::never());
       } catch (const weir::cancelled&) {
         draining = true;
         while (!refused) std::this_thread::yield();
         weir::spawn("cleans up", [&] { ran = true; }).detach();
         throw;
       }
     }).detach();
    foreign = std::thread([&] {
      while (!draining) std::this_thread::yield();
      try {
        r.spawn([] {}).detach();
      } catch (const weir::misuse&) {
        refused = true;
      }
    });
  }
  foreign.join();
  CHECK(ran);
}

TEST_CASE("a spawn that fails half-way is taken back: the runtime ends without waiting for it") {
  struct fails {
    fails() = default;
    fails(const fails&) { throw std::runtime_error("copied"); }
    void operator()() {}
  };
  weir::runtime r({.workers = 1, .grace = 1h});
  const fails f;
  CHECK_THROWS_WITH(r.spawn(f), "copied");
  CHECK(r.actors() == 0);
}

TEST_CASE("a thousand runtimes one after the other leave no descriptor, thread, mapping or memory behind") {
  const auto one = [] {
    weir::runtime r({.workers = 2});
    CHECK(r.run([] { return weir::spawn([] { return 4; }).join(); }) == 4);
  };
  // What is made once per process, and what the allocator keeps, is there after some.
  for (int i = 0; i < 50; ++i) one();
  const std::size_t descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task"), maps = mappings();
  const std::size_t resident = resident_bytes();
  for (int i = 0; i < 1000; ++i) one();
  CHECK(entries("/proc/self/fd") == descriptors);
  // The kernel removes a joined thread's entry a moment later than it wakes who joins.
  testing::wait_until([&] { return entries("/proc/self/task") == threads; });
  CHECK(entries("/proc/self/task") == threads);
#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN)  // they keep what was freed, on purpose
  CHECK(mappings() <= maps + 20);
  CHECK(resident_bytes() <= resident + (std::size_t{3} << 20));  // less than a page each, and what the kernel rounds
#else
  (void)maps, (void)resident;
#endif
}

TEST_CASE("two runtimes at once talk over one channel in both directions, and either may end first") {
  const int n = rounds(200);
  for (int i = 0; i < n; ++i) {
    std::optional<weir::runtime> a(std::in_place, weir::runtime_options{.workers = 2});
    std::optional<weir::runtime> b(std::in_place, weir::runtime_options{.workers = 1 + i % 2});
    auto there = weir::channel<int>(i % 3);
    auto back = weir::channel<int>(i % 2);
    auto echo = b->spawn("echo", [rx = std::move(there.rx), tx = std::move(back.tx)] {
      for (int& v : rx) tx.send(v + 1);
    });
    auto asks = a->spawn("asks", [tx = std::move(there.tx), rx = std::move(back.rx)] {
      int sum = 0;
      for (int k = 0; k < 200; ++k) {
        tx.send(k);
        sum += rx.recv().value();
      }
      return sum;
    });
    REQUIRE(asks.join() == 200 * 201 / 2);
    (i % 2 == 0 ? a : b).reset();
    (i % 2 == 0 ? b : a).reset();
  }
}
