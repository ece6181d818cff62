// What is made runnable runs, once, wherever it stands: rings, full rings, inject, pinned inboxes.
#include "weir/runtime/internal/scheduler.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/watchdog.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using testing::eventually;
using testing::in_actor;
using testing::rounds;

TEST_CASE("a million spawns from one actor all run") {
  // Scaled down under sanitizers; not more in the nightly lane.
  const int n = std::min(rounds(1'000'000), 1'000'000);
  in_actor([n] {
    std::atomic<int> ran{0};
    for (int i = 0; i < n; ++i) {
      weir::spawn([&] { ran.fetch_add(1, std::memory_order_relaxed); }).detach();
      // Some thousand at once: a stack each, and the kernel limits the mappings.
      if (i % 4096 == 0) eventually([&] { return ran > i - 4096; });
    }
    eventually([&] { return ran == n; });
  });
}

TEST_CASE("more runnable actors than a ring holds: each runs once, also when none is waited for meanwhile") {
  static constexpr int n = 5 * static_cast<int>(weir::internal::run_ring<int>::capacity) + 7;
  for (const int workers : {1, 2, 3})
    in_actor(
        [] {
          std::vector<int> runs(n);
          std::atomic<int> total{0};
          for (int round = 1; round <= 20; ++round) {
            weir::with_scope([&](weir::scope& s) {
              for (int i = 0; i < n; ++i)
                s.spawn([&, i] {
                  ++runs[static_cast<std::size_t>(i)];
                  ++total;
                });
            });
            REQUIRE(total == round * n);
            for (int r : runs) REQUIRE(r == round);
          }
        },
        workers);
}

TEST_CASE("woken actors may be more than a ring holds, too") {
  static constexpr int n = 1000;
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    std::atomic<int> woken{0};
    weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
      for (int i = 0; i < n; ++i)
        s.spawn([&] {
          EXPECT(!rx.recv().has_value());
          ++woken;
        });
      eventually([&] { return rx.waiting() == n; });
      tx.reset();  // one close makes all of them runnable at once
    });
    CHECK(woken == n);
  });
}

TEST_CASE("a pinned actor runs on its worker only, whoever wakes it and however many stand in its inbox") {
  const int workers = 3, each = 200, messages = rounds(20);
  weir::runtime r({.workers = workers});
  std::vector<std::thread::id> threads(workers);
  for (int w = 0; w < workers; ++w)
    r.spawn([&, w] { threads[static_cast<std::size_t>(w)] = testing::thread_now(); }, {.pinned = w}).join();
  auto [tx, rx] = weir::channel<int>(8);
  std::vector<weir::actor<void>> actors;
  std::atomic<int> received{0};
  for (int i = 0; i < workers * each; ++i) {
    const int w = i % workers;
    actors.push_back(r.spawn(
        [&, w, rx = rx] {
          while (rx.recv()) {
            EXPECT(testing::thread_now() == threads[static_cast<std::size_t>(w)]);
            ++received;
            weir::this_actor::yield();
            EXPECT(testing::thread_now() == threads[static_cast<std::size_t>(w)]);
          }
        },
        {.pinned = w}));
  }
  const int total = workers * each * messages;
  // From a thread outside, and from actors that are not pinned.
  auto inside = r.spawn([&, tx = tx] {
    for (int i = 0; i < total / 2; ++i) tx.send(i);
  });
  for (int i = 0; i < total - total / 2; ++i) tx.send(i);
  inside.join();
  tx.reset();
  for (auto& a : actors) a.join();
  CHECK(received == total);
  testing::check_expectations();
}

TEST_CASE("many spawns from foreign threads all run") {
  weir::runtime r({.workers = testing::workers()});
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  const int each = rounds(2000);
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        while (r.actors() > 10'000) std::this_thread::yield();
        r.spawn([&] { ++ran; }).detach();
      }
    });
  for (auto& t : threads) t.join();
  r.run([&] { eventually([&] { return ran == 3 * each; }); });
  CHECK(ran == 3 * each);
}

TEST_CASE("WEIR_SCHED=migrate moves an actor at each wake, whoever wakes it") {
  const char* const set = std::getenv("WEIR_SCHED");
  setenv("WEIR_SCHED", "migrate", 1);
  weir::runtime r({.workers = 2});
  if (set == nullptr) unsetenv("WEIR_SCHED");
  std::array<std::thread::id, 2> threads;
  for (int w : {0, 1})
    r.spawn([&, w] { threads[static_cast<std::size_t>(w)] = testing::thread_now(); }, {.pinned = w}).join();
  std::atomic<int> other{0}, rounds{0};  // the worker on which the wanderer does not park; the rounds it has made
  std::atomic<bool> moved{false};        // in the last one
  auto [tx, rx] = weir::channel<int>(0);
  auto wanderer = r.spawn("wanderer", [&, rx = rx] {
    for (int i = 0;; ++i) {
      const auto before = testing::thread_now();
      other = before == threads[0] ? 1 : 0;
      const auto got = rx.recv();
      if (!got) return;
      EXPECT(*got == i);
      moved = testing::thread_now() != before;
      ++rounds;
    }
  });
  const weir::internal::watchdog& dog = r.core().watchdog();
  std::array<int, 2> told{}, moves{};  // of those that a plain thread wakes, and another actor
  for (int i = 0; std::min(told[0], told[1]) < 20; ++i) {
    testing::wait_until([] { return testing::waits("wanderer", "recv"); });
    const auto looks = dog.looks();
    const bool was_looking = dog.moves_actors();
    if (i % 2 == 0)
      CHECK(tx.send(i));
    else
      r.spawn([&, i] { EXPECT(tx.send(i)); }, {.pinned = other}).join();
    testing::wait_until([&] { return rounds == i + 1; });
    // What lies before a worker that has got no core yet, the watchdog may give to the other one: such a round tells
    // nothing.
    if (was_looking || dog.moves_actors() || dog.looks() != looks) continue;
    const auto kind = static_cast<std::size_t>(i % 2);
    ++told[kind];
    moves[kind] += moved;
  }
  tx.close();
  wanderer.join();
  // The watchdog may stand still between the end of a look and counting it.
  for (const std::size_t kind : {0u, 1u}) CHECK(moves[kind] > told[kind] * 3 / 4);
  testing::check_expectations();
}
