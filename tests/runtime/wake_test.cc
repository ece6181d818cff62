// Lost wake-ups: workers that are just falling asleep, and threads outside that have something for them.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::in_actor;
using testing::rounds;

namespace {

void spin(unsigned turns) {
  for (unsigned i = 0; i < turns; ++i) asm volatile("");
}

// Voluntary context switches of all threads of the process so far.
long switches() {
  long sum = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);)
      if (line.rfind("voluntary_ctxt_switches:", 0) == 0) sum += std::stol(line.substr(24));
  }
  return sum;
}

}  // namespace

TEST_CASE("a foreign producer with random delays never leaves a sleeping receiver asleep") {
  const int n = rounds(100'000);
  auto [tx, rx] = weir::channel<int>(1);
  std::thread producer([tx = std::move(tx), n]() mutable {
    std::mt19937 random(3);
    for (int i = 0; i < n; ++i) {
      // Around the length of the search before sleep, so that bells meet workers in every state.
      spin(random() % 3 == 0 ? random() % 60'000 : random() % 500);
      tx.send(i);
    }
  });
  in_actor([&, rx = std::move(rx)] {
    int expected = 0;
    for (int& v : rx) EXPECT(v == expected++);
    CHECK(expected == n);
  });
  producer.join();
}

// Each round rings bells that were rung a moment ago and that nobody has answered yet, or wakes workers in the middle
// of falling asleep: several sends in a row to receivers that wait in different places, and then, sometimes, none until
// all sleep.
TEST_CASE("a foreign producer that rings again before the first bell was heard never leaves a sleeper asleep") {
  const int n = rounds(100'000);
  constexpr int sleepers = 4;
  weir::runtime r({.workers = testing::workers()});
  std::vector<weir::channel_ends<int>> ends;
  std::vector<weir::actor<int>> actors;
  std::atomic<int> received{0};
  for (int i = 0; i < sleepers; ++i) {
    ends.push_back(weir::channel<int>(1));
    actors.push_back(r.spawn("sleeper", [rx = ends.back().rx, &received] {
      int mine = 0;
      for ([[maybe_unused]] int& v : rx) {
        ++mine;
        ++received;
      }
      return mine;
    }));
  }
  std::mt19937 random(11);
  for (int sent = 0; sent < n;) {
    const unsigned burst = 1 + random() % 6;
    for (unsigned b = 0; b < burst && sent < n; ++b, ++sent) ends[random() % sleepers].tx.send(sent);
    switch (random() % 4) {
      case 0:  // all sleep, or are about to
        while (received != sent) std::this_thread::yield();
        spin(random() % 100'000);
        break;
      case 1:
        spin(random() % 5'000);
        break;
      default:  // at once
        break;
    }
  }
  for (auto& e : ends) e.tx.close();
  int total = 0;
  for (auto& a : actors) total += a.join();
  CHECK(total == n);
}

TEST_CASE("actors on two workers that wake each other are never left asleep") {
  in_actor([] {
    auto there = weir::channel<int>(0);
    auto back = weir::channel<int>(0);
    const int n = rounds(5000);
    std::mt19937 random(5);
    auto echo = weir::spawn("echo",
                            [&] {
                              for (int& v : there.rx) back.tx.send(v);
                            },
                            {.pinned = testing::workers() - 1});
    for (int i = 0; i < n; ++i) {
      if (i % 8 == 0) spin(random() % 40'000);
      there.tx.send(i);
      REQUIRE(back.rx.recv() == i);
    }
    there.tx.close();
    echo.join();
  });
}

TEST_CASE("a worker that sleeps until a timer is woken earlier by a send") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    for (int i = 0; i < rounds(300); ++i) {
      std::thread foreign([tx = tx, i] { tx.send(i); });
      const int got =
          weir::select(weir::on_recv(rx, [](std::optional<int> v) { return *v; }), weir::after(1h, [] { return -1; }));
      foreign.join();
      REQUIRE(got == i);
    }
  });
}

TEST_CASE("an idle runtime has no periodic wake-ups") {
  auto [tx, rx] = weir::channel<int>(0);
  auto never = weir::channel<int>(0);
  weir::runtime r({.workers = testing::workers()});
  std::vector<weir::actor<void>> parked;
  for (int i = 0; i < 100; ++i) parked.push_back(r.spawn("parked", [rx = rx] { rx.recv(); }));
  while (rx.waiting() != 100) std::this_thread::yield();
  // The search before sleep ends, and the watchdog falls asleep; when, is the machine's affair. From then on it is
  // quiet: one is this wait's own, some may be threads of the test's main; a poll every millisecond would be hundreds.
  long in_a_while = 0;
  for (int i = 0; i < 40; ++i) {
    const long before = switches();
    (void)never.rx.recv(500ms);
    in_a_while = switches() - before;
    if (in_a_while < 10) break;
  }
  CHECK(in_a_while < 10);
  tx.close();
}

TEST_CASE("park with only a timer, only a pinned inbox, only a blocking call") {
  in_actor(
      [] {
        weir::this_actor::sleep(2ms);
        auto pinned = weir::spawn("pinned", [] { return 1; }, {.pinned = 0});
        CHECK(pinned.join() == 1);
      },
      1);
}
