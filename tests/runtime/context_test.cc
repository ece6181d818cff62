// What must survive a switch: exceptions in flight and caught, errno, and the answers to "who am I" after a migration.
#include "weir/runtime/internal/context.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::in_actor;
using testing::rounds;
using testing::thread_now;

namespace {

// Lets the other worker take the actor, if there is one.
void wander() {
  for (int i = 0; i < 3; ++i) weir::this_actor::yield();
  weir::this_actor::sleep(1us);
}

}  // namespace

TEST_CASE("an exception caught before a park is the one rethrown after it, while others throw on the same worker") {
  in_actor([] {
    weir::with_scope([](weir::scope& s) {
      for (int k = 0; k < 6; ++k)
        s.spawn([k] {
          for (int i = 0; i < rounds(300); ++i) {
            const std::string mine = std::to_string(k) + "/" + std::to_string(i);
            try {
              try {
                throw std::runtime_error(mine);
              } catch (const std::runtime_error& e) {
                wander();
                EXPECT(e.what() == mine);
                EXPECT(std::uncaught_exceptions() == 0);
                try {
                  throw std::logic_error("inner " + mine);
                } catch (const std::logic_error& inner) {
                  wander();
                  EXPECT(inner.what() == "inner " + mine);
                }
                wander();
                throw;  // the outer one
              }
            } catch (const std::exception& e) {
              EXPECT(e.what() == mine);
            }
          }
        });
    });
  });
}

TEST_CASE("a destructor may park while its actor unwinds; uncaught_exceptions is the actor's own") {
  in_actor([] {
    struct parker {
      ~parker() {
        EXPECT(std::uncaught_exceptions() == 1);
        wander();
        EXPECT(std::uncaught_exceptions() == 1);
      }
    };
    weir::with_scope([](weir::scope& s) {
      for (int k = 0; k < 4; ++k)
        s.spawn([] {
          for (int i = 0; i < rounds(300); ++i) {
            try {
              parker p;
              throw std::runtime_error("x");
            } catch (const std::runtime_error&) {
              EXPECT(std::uncaught_exceptions() == 0);
            }
          }
        });
      s.spawn([] {
        for (int i = 0; i < rounds(1000); ++i) {
          EXPECT(std::uncaught_exceptions() == 0);
          EXPECT(std::current_exception() == nullptr);
          weir::this_actor::yield();
        }
      });
    });
  });
}

TEST_CASE("errno is the actor's own over a park") {
  in_actor([] {
    // Asked for anew each time, as the compiler may keep errno's address over a park: see internal/context.h.
    struct mine {
      __attribute__((noinline)) static void set(int value) {
        asm volatile("" ::: "memory");
        errno = value;
      }
      __attribute__((noinline)) static int get() {
        asm volatile("" ::: "memory");
        return errno;
      }
    };
    weir::with_scope([](weir::scope& s) {
      for (int k = 1; k <= 4; ++k)
        s.spawn([k] {
          for (int i = 0; i < rounds(500); ++i) {
            mine::set(k);
            weir::this_actor::yield();
            EXPECT(mine::get() == k);
          }
        });
    });
  });
}

TEST_CASE("an actor knows itself after it moved to another worker, in a loop and after an exception") {
  in_actor([] {
    std::atomic<int> moves{0};
    weir::with_scope([&](weir::scope& s) {
      for (int k = 0; k < 4; ++k)
        s.spawn("wanderer", [&] {
          const auto id = weir::this_actor::id();
          auto thread = thread_now();
          for (int i = 0; i < rounds(2000); ++i) {
            weir::this_actor::yield();
            if (const auto now = thread_now(); now != thread) {
              thread = now;
              ++moves;
            }
            EXPECT(weir::this_actor::id() == id);
            try {
              throw i;
            } catch (int) {
              weir::this_actor::yield();
            }
            EXPECT(weir::this_actor::id() == id);
            EXPECT(weir::this_actor::name() == "wanderer");
          }
        });
    });
    // Elsewhere nobody need move; in the migrate lane everybody must, or this test has seen nothing.
    if (std::getenv("WEIR_SCHED") != nullptr && testing::workers() > 1) CHECK(moves > 0);
  });
}

TEST_CASE("an exception that is handled or in flight when its actor parks is there on the thread where it goes on") {
  in_actor(
      [] {
        std::thread::id threads[2];
        for (int w = 0; w < 2; ++w) weir::spawn([&, w] { threads[w] = thread_now(); }, {.pinned = w}).join();
        for (int i = 0; i < rounds(50); ++i) {
          auto [tx, rx] = weir::channel<int>(0);
          std::atomic<int> left{-1};  // the worker on which the actor parks
          std::atomic<bool> arrived{false};
          const auto move = [&] {
            const auto before = thread_now();
            left = before == threads[0] ? 0 : 1;
            EXPECT(rx.recv() == 1);
            EXPECT(thread_now() != before);
            arrived = true;
          };
          struct at_end {
            decltype(move)& f;
            ~at_end() {
              EXPECT(std::uncaught_exceptions() == 1);
              f();
              EXPECT(std::uncaught_exceptions() == 1);
            }
          };
          auto actor = weir::spawn("moves", [&, i] {
            try {
              if (i % 2) {
                const at_end a{move};
                throw std::runtime_error("the one");
              }
              try {
                throw std::runtime_error("the one");
              } catch (...) {
                const auto held = std::current_exception();
                move();
                EXPECT(std::current_exception() == held);
                throw;
              }
            } catch (const std::runtime_error& e) {
              EXPECT(std::string(e.what()) == "the one");
              EXPECT(std::uncaught_exceptions() == 0);
            }
            EXPECT(std::current_exception() == nullptr);
          });
          testing::eventually([&] { return rx.waiting() == 1; });
          std::atomic<bool> busy{false};
          auto hog = weir::spawn("keeps the worker",
                                 [&] {
                                   busy = true;
                                   while (!arrived) {  // so that the actor can only go on where it is woken
                                   }
                                 },
                                 {.pinned = left});
          auto waker = weir::spawn("wakes it",
                                   [&, tx = tx] {
                                     testing::eventually([&] { return busy.load(); });
                                     EXPECT(tx.send(1));
                                   },
                                   {.pinned = 1 - left});
          actor.join();
          waker.join();
          hog.join();
        }
      },
      2);
}
