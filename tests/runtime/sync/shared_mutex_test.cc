#include "weir/runtime/sync/shared_mutex.h"

#include <signal.h>

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using testing::waits;

TEST_CASE("a writer is alone, readers are together, actors and threads alike") {
  weir::shared_mutex m;
  const int n = rounds(5000);
  long value = 0;
  std::atomic<int> readers{0}, most{0};
  const auto write = [&](bool actor) {
    for (int i = 0; i < n; ++i) {
      std::unique_lock lock(m);
      EXPECT(readers == 0);
      const long before = value;
      if (actor && i % 8 == 0) weir::this_actor::yield();
      value = before + 1;
    }
  };
  const auto read = [&](bool actor) {
    for (int i = 0; i < n; ++i) {
      std::shared_lock lock(m);
      const int now = ++readers;
      if (now > most) most = now;
      const long before = value;
      if (actor && i % 8 == 0) weir::this_actor::yield();
      EXPECT(value == before);
      --readers;
    }
  };
  std::thread writer([&] { write(false); }), reader([&] { read(false); });
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 2; ++a) s.spawn("writer", [&] { write(true); });
      for (int a = 0; a < 3; ++a) s.spawn("reader", [&] { read(true); });
    });
  });
  writer.join();
  reader.join();
  CHECK(value == 3L * n);
  CHECK(most >= 2);
}

TEST_CASE("a writer that waits keeps new readers back, and after it the readers that wait go before the next writer") {
  in_actor([] {
    weir::shared_mutex m;
    std::string order;
    std::mutex order_lock;
    const auto note = [&](char c) {
      std::lock_guard guard(order_lock);
      order += c;
    };
    m.lock_shared();
    weir::with_scope([&](weir::scope& s) {
      const auto writer = [&](const char* name) {
        s.spawn(name, [&] {
          std::unique_lock lock(m);
          note('w');
        });
        eventually([&] { return waits(name, "lock"); });
      };
      const auto reader = [&](const char* name) {
        s.spawn(name, [&] {
          std::shared_lock lock(m);
          note('r');
        });
        eventually([&] { return waits(name, "lock_shared"); });
      };
      writer("w1");
      CHECK(!m.try_lock_shared());
      writer("w2");
      reader("r1");
      reader("r2");
      m.unlock_shared();
    });
    CHECK(order == "wrrw");
  });
}

TEST_CASE("neither side starves: readers that overlap for ever let a writer in, and writers readers") {
  in_actor([] {
    weir::shared_mutex m;
    std::atomic<bool> stop{false};
    std::atomic<int> writes{0}, reads{0};
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 3; ++a)
        s.spawn("reader", [&] {
          while (!stop) {
            std::shared_lock lock(m);
            weir::this_actor::yield();  // some reader is always inside
            ++reads;
          }
        });
      for (int a = 0; a < 2; ++a)
        s.spawn("writer", [&] {
          while (!stop) {
            std::unique_lock lock(m);
            weir::this_actor::yield();
            ++writes;
          }
        });
      eventually([&] { return writes > 100 && reads > 100; });
      stop = true;
    });
  });
}

TEST_CASE("a writer that gives up, by its deadline or a cancel, lets the readers go that it kept back") {
  in_actor([] {
    weir::shared_mutex m;
    std::shared_lock lock(m);
    for (const bool by_cancel : {false, true}) {
      std::atomic<bool> gone{false};
      auto writer = weir::spawn("writer", [&] {
        if (by_cancel) m.lock();
        EXPECT(!m.lock(20ms));
        gone = true;
      });
      eventually([&] { return gone || waits("writer", "lock"); });  // gone: this one was too slow to see it wait
      auto reader = weir::spawn("reader", [&] { std::shared_lock another(m); });
      if (by_cancel) {
        eventually([&] { return waits("reader", "lock_shared"); });
        writer.cancel();
      }
      reader.join();
      writer.wait();
    }
    CHECK(!m.try_lock());
    CHECK(m.try_lock_shared());
    m.unlock_shared();
  });
}

TEST_CASE("a reader gives up at its deadline, or with a cancel, and an expired deadline takes what is free") {
  in_actor([] {
    weir::shared_mutex m;
    m.lock();
    weir::spawn("reader", [&] {
      EXPECT(!m.lock_shared(1ms));
      EXPECT(!m.lock_shared(0ms));
      EXPECT(!m.try_lock_shared());
    }).join();
    auto victim = weir::spawn("victim", [&] { m.lock_shared(); });
    eventually([&] { return waits("victim", "lock_shared"); });
    victim.cancel();
    CHECK_THROWS_AS(victim.join(), weir::actor_cancelled);
    m.unlock();
    CHECK(m.lock_shared(0ms));
    m.unlock_shared();
    CHECK(m.lock(0ms));
    m.unlock();
  });
}

TEST_CASE("while the caller unwinds, both sides wait on") {
  in_actor([] {
    weir::shared_mutex m;
    struct cleaner {
      weir::shared_mutex& m;
      bool& written;
      ~cleaner() {
        {
          std::shared_lock lock(m);
          EXPECT(written);
        }
        std::unique_lock lock(m);
        EXPECT(written);
      }
    };
    bool written = false;
    m.lock();
    auto victim = weir::spawn("victim", [&] {
      const cleaner c{m, written};
      weir::this_actor::sleep(1h);
    });
    eventually([&] { return waits("victim", "sleep"); });
    victim.cancel();
    eventually([&] { return waits("victim", "lock_shared"); });
    written = true;
    m.unlock();
    victim.wait();
  });
}

TEST_CASE("timeouts and cancels of both sides against hand-over: in the end it is free") {
  in_actor([] {
    const int n = rounds(4000);
    weir::shared_mutex m;
    std::atomic<int> writers{0}, readers{0};
    weir::with_scope([&](weir::scope& s) {
      for (int a = 0; a < 2; ++a) {
        s.spawn("writer", [&] {
          for (int i = 0; i < n; ++i)
            if (m.lock(std::chrono::microseconds(i % 4))) {
              EXPECT(++writers == 1);
              EXPECT(readers == 0);
              if (i % 3 == 0) weir::this_actor::yield();
              --writers;
              m.unlock();
            }
        });
        s.spawn("reader", [&] {
          for (int i = 0; i < n; ++i)
            if (m.lock_shared(std::chrono::microseconds(i % 4))) {
              ++readers;
              EXPECT(writers == 0);
              if (i % 3 == 0) weir::this_actor::yield();
              --readers;
              m.unlock_shared();
            }
        });
      }
      s.spawn("canceller", [&] {
        for (int i = 0; i < n; ++i) {
          auto victim = weir::spawn("victim", [&, i] {
            for (;;) {
              if (i % 2) {
                std::unique_lock lock(m);
                EXPECT(writers == 0 && readers == 0);
              } else {
                std::shared_lock lock(m);
                EXPECT(writers == 0);
              }
              weir::this_actor::yield();
            }
          });
          for (int k = 0; k < i % 4; ++k) weir::this_actor::yield();
          victim.cancel();
          victim.wait();
        }
      });
    });
    CHECK(m.try_lock());
    m.unlock();
  });
}

TEST_CASE("whoever holds a shared mutex last may destroy it right after unlock") {
  struct shared {
    weir::shared_mutex m;
    std::atomic<int> users;
  };
  in_actor([] {
    for (int i = 0; i < rounds(2000); ++i) {
      auto* const s = new shared{{}, 3};
      weir::with_scope([&](weir::scope& sc) {
        for (int a = 0; a < 3; ++a)
          sc.spawn("user", [s] {
            s->m.lock();
            const bool last = --s->users == 0;
            s->m.unlock();
            if (last) delete s;
          });
      });
    }
  });
}

TEST_CASE("the writer that locks again, as either, is told so") {
  in_actor([] {
    weir::shared_mutex m;
    std::unique_lock lock(m);
    CHECK_THROWS_WITH(m.lock(),
                      Catch::StartsWith("shared_mutex::lock: the writer must not lock it again, got shared_mutex "
                                        "shared_mutex_test.cc:") &&
                          Catch::Contains("held by actor \"main\" (#1)"));
    CHECK_THROWS_AS(m.lock_shared(), weir::misuse);
  });
}

TEST_CASE("child: a reader calls unlock", "[.child]") {
  weir::shared_mutex m;
  m.lock_shared();
  m.unlock();
}

TEST_CASE("child: unlock_shared of a free one", "[.child]") {
  weir::shared_mutex m;
  m.unlock_shared();
}

TEST_CASE("child: a shared mutex destroyed while held", "[.child]") {
  weir::shared_mutex m;
  m.lock_shared();
}

TEST_CASE("a wrong unlock of a shared mutex, and its end while it is held, stop the process with a report") {
  const auto reader = testing::run_child("child: a reader calls unlock");
  CHECK(reader.signal == SIGABRT);
  CHECK_THAT(reader.output, Catch::Contains("shared_mutex::unlock: only the writer may unlock it, got shared_mutex "
                                            "shared_mutex_test.cc:") &&
                                Catch::Contains("held by 1 readers"));
  const auto free = testing::run_child("child: unlock_shared of a free one");
  CHECK(free.signal == SIGABRT);
  CHECK_THAT(free.output, Catch::Contains("shared_mutex::unlock_shared: only a reader may unlock it so"));
  const auto destroyed = testing::run_child("child: a shared mutex destroyed while held");
  CHECK(destroyed.signal == SIGABRT);
  CHECK_THAT(destroyed.output, Catch::Contains("~shared_mutex: "));
}
