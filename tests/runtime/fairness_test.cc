// Who may keep whom from running.
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/dump.h"
#include "tests/own_stderr.h"
#include "tests/runtime/descriptors.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/internal/core_time.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/worker.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

TEST_CASE("two actors that play ping-pong for ever starve neither a third, nor a timer, nor a foreign spawn") {
  weir::runtime r({.workers = 1});
  std::atomic<bool> stop{false};
  auto there = weir::channel<int>(0);
  auto back = weir::channel<int>(0);
  auto ping = r.spawn("ping", [&] {
    while (!stop) {
      there.tx.send(1);
      back.rx.recv();
    }
    there.tx.close();
  });
  auto pong = r.spawn("pong", [&] {
    while (there.rx.recv()) back.tx.send(1);
  });
  std::atomic<int> turns{0};
  auto third = r.spawn("third", [&] {
    while (!stop) {
      ++turns;
      weir::this_actor::yield();
    }
  });
  r.spawn("timer", [] { weir::this_actor::sleep(2ms); }).join();
  r.spawn("foreign", [] {}).join();
  while (turns < 100) std::this_thread::yield();
  stop = true;
  ping.join();
  pong.join();
  third.join();
}

TEST_CASE("an actor that computes does not strand the one it has just woken") {
  in_actor(
      [] {
        auto [tx, rx] = weir::channel<int>(1);
        for (int i = 0; i < testing::rounds(20); ++i) {
          std::atomic<bool> ran{false};
          auto woken = weir::spawn("woken", [&] {
            EXPECT(rx.recv() == i);
            ran = true;
          });
          eventually([&] { return rx.waiting() == 1; });
          EXPECT(tx.send(i));
          while (!ran) {  // keeps its worker, and the slot where the other stands
          }
          woken.join();
        }
      },
      2);
}

TEST_CASE("an actor that computes does not strand the one it has just spawned") {
  in_actor(
      [] {
        std::atomic<bool> ran{false};
        auto hog = weir::spawn("hog", [&] {
          auto other = weir::spawn("spawned", [&] { ran = true; });
          while (!ran) {  // keeps its worker: only the other worker can run it
          }
          other.join();
        });
        hog.join();
      },
      2);
}

TEST_CASE("actors that only compute use every worker") {
  in_actor(
      [] {
        std::atomic<int> together{0};
        const auto meet = [&] {
          ++together;
          while (together < 2) {  // both must run at once
          }
        };
        auto a = weir::spawn("one", meet);
        auto b = weir::spawn("other", meet);
        a.join();
        b.join();
      },
      2);
}

// Eight senders and eight receivers on one channel, until `stop`: wherever workers share them, they meet at its lock,
// and the upper worker sends its ones away and rests.
struct crowd {
  weir::channel_ends<int> c = weir::channel<int>(128);
  std::atomic<bool> stop{false};
  std::atomic<long> sent{0}, received{0};

  void run(weir::scope& s) {
    for (int i = 0; i < 8; ++i) {
      s.spawn("send", [this, tx = c.tx] {
        while (!stop && tx.send(1)) ++sent;
      });
      s.spawn("recv", [this, rx = c.rx] {
        for ([[maybe_unused]] int v : rx) ++received;
      });
    }
    c.tx.reset(), c.rx.reset();
  }
};

TEST_CASE(
    "actors that meet at one lock lose and double nothing while they are moved, and pinned ones answer meanwhile") {
  in_actor(
      [] {
        crowd all;
        weir::with_scope([&](weir::scope& s) {
          all.run(s);
          auto question = weir::channel<int>(0), answer = weir::channel<int>(0);
          s.spawn("pinned",
                  [&, rx = question.rx, tx = std::move(answer.tx)] {
                    while (auto v = rx.recv()) tx.send(*v + 1);
                  },
                  {.pinned = 1});
          for (int i = 0; i < testing::rounds(500); ++i) {
            question.tx.send(i);
            EXPECT(*answer.rx.recv() == i + 1);
          }
          question.tx.close();
          all.stop = true;
        });
        CHECK(all.sent == all.received);
      },
      2);
}

TEST_CASE("what stands behind an actor that computes is run by another worker, though that one rests or is busy") {
  in_actor(
      [] {
        for (int i = 0; i < testing::rounds(20); ++i) {
          crowd all;
          weir::with_scope([&](weir::scope& s) {
            all.run(s);
            eventually([&] { return all.received > 20'000; });
            std::atomic<bool> ran{false};
            auto other = weir::spawn("waits behind", [&] { ran = true; });
            while (!ran) {  // keeps its worker: only the other worker can run it
            }
            other.join();
            all.stop = true;
          });
        }
      },
      2);
}

// A worker promises to look for results, and a pool's thread leaves one to it and rings nobody; then it goes on with
// something else that was due, and computes.
TEST_CASE("a result that was left to a worker that computes is taken by one that sleeps") {
  weir::runtime r({.workers = 2});
  weir::cpu_pool pool({.threads = 1});
  r.run([&] {
    auto [tx, rx] = weir::channel<int>(1);
    std::atomic<bool> computes{false}, ran{false};
    auto waits = weir::spawn("waits for the result", [&] {
      EXPECT(rx.recv() == 1);
      ran = true;
    });
    eventually([&] { return rx.waiting() == 1; });
    auto result = pool.submit([&] {
      weir::internal::scheduler& s = r.core().scheduler();
      while (!computes || s.census().sleepers != 1) std::this_thread::yield();
      s.rounds().promise();
      EXPECT(tx.try_send(1) == weir::send_status::ok);
      s.rounds().keep();
    });
    auto next = pool.submit([] {});  // else the thread would ring
    computes = true;
    while (!ran) {
    }
    waits.join();
    result.get();
    next.get();
  });
  testing::check_expectations();
}

TEST_CASE("a worker whose last event came from a descriptor helps another one all the same") {
  weir::runtime r({.workers = 2});
  r.core().watchdog().adopt(false);  // else the bell at the end of an adoption would be its last event
  r.run([] {
    const auto computes_until = [](auto over) {
      while (!over()) {
      }
    };
    const auto [here, there] = testing::sockets();
    const testing::descriptor d(here);
    std::atomic<bool> woken{false}, there_is_work{false}, helped{false};
    weir::with_scope([&, other = there](weir::scope& s) {
      s.spawn("reader",
              [&] {
                EXPECT(testing::read_text(d) == "x");
                woken = true;
                computes_until([&] { return there_is_work.load(); });
              },
              {.pinned = 1});
      s.spawn("host",
              [&, other] {
                constexpr int guests = 8;
                eventually([&] { return testing::waits("reader", "read"); });
                EXPECT(write(other, "x", 1) == 1);
                computes_until([&] { return woken.load(); });
                for (int i = 0; i < guests; ++i)
                  s.spawn("guest", [&] {
                    if (weir::internal::current_worker().index() == 1) helped = true;
                  });
                there_is_work = true;
                // They run here one by one, without a bell for the other worker, which meanwhile has some turns. All
                // that before the watchdog calls it.
                const auto& other_turns = weir::internal::current_worker().runtime().worker_at(1).seat().turns;
                for (int i = 2; i < guests && !helped; ++i) {  // the last one would be left to this worker
                  const auto before = other_turns.load();
                  computes_until([&] { return helped || other_turns.load() - before >= 8; });
                  weir::this_actor::yield();
                }
                EXPECT(helped);
              },
              {.pinned = 0});
    });
    close(there);
  });
  testing::check_expectations();
}

std::chrono::nanoseconds time_on_a_core() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

TEST_CASE("child: a stall", "[.child]") {
  weir::run({.workers = 1}, [] {
    auto waits = weir::spawn("waits behind", [] {});
    testing::own_stderr said;
    std::atomic<bool> told{false};
    std::thread reader([&] { said.await("STALL"), told = true; });
    while (!told) {
    }
    const auto begin = time_on_a_core();
    while (time_on_a_core() - begin < 200ms * weir::internal::slowdown) {
    }
    waits.join();
    reader.join();
  });
}

TEST_CASE("child: a stall before a descriptor", "[.child]") {
  weir::run({.workers = 1}, [] {
    const auto [here, there] = testing::sockets();
    const testing::descriptor d(here);
    auto reader = weir::spawn("reader", [&] { EXPECT(testing::read_text(d) == "x"); });
    eventually([&] { return testing::waits("reader", "read"); });
    EXPECT(write(there, "x", 1) == 1);
    testing::own_stderr said;
    std::atomic<bool> told{false};
    std::thread listener([&] { said.await("STALL"), told = true; });
    const auto begin = time_on_a_core();
    while (!told && time_on_a_core() - begin < 5s * weir::internal::slowdown) {
    }
    if (!told) std::fputs("no STALL in 5 s\n", stderr);
    listener.join();
    reader.join();
    close(there);
  });
  testing::check_expectations();
}

TEST_CASE("child: a worker without a core", "[.child]") {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  std::atomic<bool> done{false};
  std::vector<std::thread> others;
  weir::run({.workers = 1}, [&] {
    for (int i = 0; i < 9; ++i)  // a tenth of the core is left for the worker
      others.emplace_back([&] {
        while (!done) {
        }
      });
    auto waits = weir::spawn("waits behind", [] {});
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < 500ms * weir::internal::slowdown) {
    }
    waits.join();
    done = true;
  });
  for (std::thread& t : others) t.join();
  std::puts("done");
}

TEST_CASE("others go on while an actor blocks its worker in a system call by mistake") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  weir::runtime r({.workers = 2});
  std::atomic<bool> blocks{false};
  std::atomic<int> ran{0};
  auto blocker = r.spawn("blocks", [&] {
    // What it has made runnable must not stay behind it.
    std::vector<weir::actor<void>> others;
    for (int i = 0; i < 400; ++i) others.push_back(weir::spawn("other", [&] { ++ran; }));
    blocks = true;
    char c;
    EXPECT(read(ends[0], &c, 1) == 1);
    for (auto& o : others) o.join();
  });
  while (!blocks) std::this_thread::yield();
  r.run([&] { weir::this_actor::sleep(1ms); });
  while (ran < 400) std::this_thread::yield();  // the test's time limit is the limit
  CHECK(write(ends[1], "x", 1) == 1);
  blocker.join();
  testing::check_expectations();
  close(ends[0]), close(ends[1]);
}

TEST_CASE("child: every worker blocks", "[.child]") {
  int ends[2];
  if (pipe(ends) != 0) return;
  testing::own_stderr said;
  weir::runtime r({.workers = 2});
  std::vector<weir::actor<void>> actors;
  std::atomic<int> blocked{0}, ran{0};
  for (int i = 0; i < 2; ++i)
    actors.push_back(r.spawn(i == 0 ? "reader" : "also a reader",
                             [&] {
                               ++blocked;
                               char c;
                               while (read(ends[0], &c, 1) != 1) {
                               }
                             },
                             {.pinned = i}));
  while (blocked < 2) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) actors.push_back(r.spawn("waits", [&] { ++ran; }));
  actors.push_back(r.spawn("pinned", [&] { ++ran; }, {.pinned = 1}));
  said.await("STALL all");
  std::printf("ran meanwhile: %d\n", ran.load());
  if (write(ends[1], "xx", 2) != 2) return;
  for (auto& a : actors) a.join();
  std::printf("ran then: %d\n", ran.load());
}

TEST_CASE("when every worker blocks, the watchdog says so, names who holds each, and how many wait") {
  auto end = testing::run_child("child: every worker blocks");
  // Again, if the thread that spawns those who wait stood still, and the watchdog saw some of them only.
  while (end.exit_status == 0 && end.output.find("STALL all") != std::string::npos &&
         end.output.find(" the 4 actors that wait") == std::string::npos)
    end = testing::run_child("child: every worker blocks");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("STALL all 2 workers: none has switched for ") &&
                             Catch::Contains("nobody is left to run the 4 actors that wait") &&
                             Catch::Contains("actor \"reader\" (#1, spawned at fairness_test.cc:") &&
                             Catch::Contains(") holds worker 0, actor \"also a reader\" (#2,") &&
                             Catch::Contains("Wrap calls that wait in weir::blocking"));
  CHECK_THAT(end.output, Catch::Contains("ran meanwhile: 0\nran then: 4\n"));
}

TEST_CASE("an actor is not blamed for the time in which its worker got no core") {
  if (weir::internal::core_time_of(getpid()).had == 0ns) {
    WARN("this kernel does not count how long threads wait for a core");
    return;
  }
  // Again, if the machine itself stood still, which looks like an actor that computes.
  testing::child_end end;
  for (int i = 0; i < 5; ++i) {
    end = testing::run_child("child: a worker without a core");
    if (end.output.find("STALL") == std::string::npos) break;
  }
  CHECK_THAT(end.output, Catch::Contains("done\n") && !Catch::Contains("STALL"));
}

TEST_CASE("an actor that has not yielded for 100 ms is named once, with how many wait behind it") {
  const auto end = testing::run_child("child: a stall");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("STALL worker 0: actor \"main\" (#1, spawned at fairness_test.cc:") &&
                             Catch::Contains("1 actors wait behind it"));
  CHECK(end.output.find("STALL") == end.output.rfind("STALL"));
}

TEST_CASE("who waits for a descriptor that is ready waits behind an actor that computes") {
  const auto end = testing::run_child("child: a stall before a descriptor");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("STALL worker 0: actor \"main\" (#1, spawned at fairness_test.cc:") &&
                             Catch::Contains("1 actors wait behind it"));
}
