// cpu_pool, submit, and the futures that they return.
#include "weir/runtime/cpu_pool.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

namespace {

// Keeps a pool's only thread busy until it is opened, at the latest by its end.
class stopper {
 public:
  explicit stopper(weir::cpu_pool& pool) {
    held_ = pool.submit([this] {
      inside_ = true;
      while (!open_) std::this_thread::sleep_for(50us);
    });
    while (!inside_) std::this_thread::yield();
  }
  ~stopper() { open(); }
  void open() {
    open_ = true;
    if (held_) held_.get();
  }

 private:
  std::atomic<bool> inside_{false}, open_{false};
  weir::future<void> held_;
};

void spin(int turns) {
  for (int i = 0; i < turns; ++i) weir::internal::spin_pause();
}

}  // namespace

TEST_CASE("submit gives a future of what the job returns, also of what only moves, or of what it throws") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 2});
    CHECK(pool.submit([] { return 5; }).get() == 5);
    CHECK(*pool.submit([p = std::make_unique<int>(6)]() mutable { return std::move(p); }).get() == 6);
    pool.submit([] {}).get();
    auto fails = pool.submit([]() -> int { throw std::runtime_error("disk"); });
    CHECK(fails.wait());
    CHECK_THROWS_WITH(fails.get(), "disk");
    CHECK(weir::submit([] { return 7; }).get() == 7);
    CHECK(weir::submit([] { return 8; }, 1h).value().get() == 8);
  });
}

TEST_CASE("a pool works from plain threads, without any runtime") {
  weir::cpu_pool pool({.threads = 2, .bound = 4});
  std::vector<weir::future<int>> all;
  for (int i = 0; i < 1000; ++i) all.push_back(pool.submit([i] { return i; }));
  int sum = 0;
  for (auto& f : all) sum += f.get();
  CHECK(sum == 1000 * 999 / 2);
  const auto s = pool.stats();
  CHECK(s.done == 1000);
  CHECK(s.threads >= 1);
  CHECK(s.threads <= 2);
  CHECK(pool.threads() == 2);
}

TEST_CASE("the result is taken once; then the future is empty, and a further get is misuse") {
  weir::cpu_pool pool({.threads = 1});
  auto f = pool.submit([] { return 1; });
  CHECK(f);
  CHECK(f.get() == 1);
  CHECK_FALSE(f);
  CHECK_THROWS_WITH(f.get(), Catch::StartsWith("get: the future must have a result to take"));
  CHECK_THROWS_AS(f.wait(), weir::misuse);
  CHECK_THROWS_AS(weir::future<void>().ready(), weir::misuse);
}

TEST_CASE("wait and get with a limit come back without the result, which can still be taken") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1});
    stopper s(pool);
    auto number = pool.submit([] { return 1; });
    auto nothing = pool.submit([] {});
    CHECK_FALSE(number.wait(1ms));
    CHECK_FALSE(number.ready());
    CHECK_FALSE(number.get(1ms).has_value());
    CHECK_FALSE(nothing.get(1ms));
    s.open();
    CHECK(number.get(1h).value() == 1);
    CHECK(nothing.get(1h));
    CHECK_FALSE(nothing);
  });
}

TEST_CASE("no more jobs than the bound are in line: submit waits for a place, first come first served") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1, .bound = 3});
    std::atomic<std::size_t> most{0};
    std::vector<int> order;
    {
      stopper s(pool);
      for (int i = 0; i < 3; ++i) CHECK(pool.try_submit([] {}).has_value());
      CHECK(pool.stats().queued == 3);
      CHECK_FALSE(pool.try_submit([] {}).has_value());
      CHECK_FALSE(pool.submit([] {}, 1ms).has_value());
      std::vector<weir::actor<void>> callers;
      for (int i = 0; i < 5; ++i) {
        callers.push_back(weir::spawn([&, i] {
          pool.submit([&, i] {
                most = std::max(most.load(), pool.stats().queued);
                order.push_back(i);  // one thread
              })
              .get();
        }));
        weir::this_actor::sleep(1ms);  // so that they come in this order; they cannot go on
        CHECK(pool.stats().queued == 3);
      }
      s.open();
      for (auto& c : callers) c.join();
    }
    CHECK(most <= 3);
    CHECK(order.size() == 5);
  });
}

TEST_CASE("what was not submitted is not taken from") {
  weir::cpu_pool pool({.threads = 1, .bound = 1});
  stopper s(pool);
  pool.submit([] {});
  auto job = [p = std::make_unique<int>(3)] { return *p; };
  CHECK_FALSE(pool.try_submit(std::move(job)).has_value());
  CHECK_FALSE(pool.submit(std::move(job), 1ms).has_value());
  CHECK(job() == 3);
  s.open();
  CHECK(pool.submit(std::move(job)).get() == 3);
}

TEST_CASE("a submit that waits for a place is cancelled, and no place is lost or doubled") {
  const int n = testing::rounds(10'000);
  in_actor([n] {
    weir::cpu_pool pool({.threads = 1, .bound = 1});
    std::atomic<int> ran{0};
    int submitted = 0;
    for (int i = 0; i < n; ++i) {
      bool mine = false, other = false;
      auto a = weir::spawn([&] {
        pool.submit([&] { ++ran; });
        mine = true;
        pool.submit([&] { ++ran; });
        other = true;
      });
      weir::this_actor::yield();
      spin(i % 40 * 20);
      a.cancel();
      try {
        a.join();
      } catch (const weir::actor_cancelled&) {
      }
      submitted += mine + other;
    }
    // All places are free again: the next one goes through, and nothing is in line behind it.
    pool.submit([] {}).get();
    CHECK(ran == submitted);
    CHECK(pool.stats().queued == 0);
    CHECK(pool.try_submit([] {}).has_value());
  });
}

TEST_CASE("a job may submit to its own pool beyond the bound, as it could not wait for itself") {
  weir::cpu_pool pool({.threads = 1, .bound = 1});
  std::atomic<int> ran{0};
  auto outer = pool.submit([&] {
    std::vector<weir::future<void>> inner;
    for (int i = 0; i < 10; ++i) inner.push_back(pool.submit([&] { ++ran; }));
    return inner;
  });
  for (auto& f : outer.get()) f.get();
  CHECK(ran == 10);
  CHECK(pool.submit([] { return 1; }).get() == 1);
  CHECK(pool.stats().queued == 0);
}

TEST_CASE("an abandoned job runs all the same, and its closure and result are destroyed once") {
  struct traced {
    explicit traced(std::atomic<int>& c) : count(&c) { ++*count; }
    traced(const traced& o) : count(o.count) { ++*count; }
    traced(traced&& o) noexcept : count(o.count) { ++*count; }
    ~traced() { --*count; }
    std::atomic<int>* count;
  };
  const int n = testing::rounds(10'000);
  std::atomic<int> alive{0}, ran{0};
  {
    weir::cpu_pool pool({.threads = 2, .bound = 64});
    for (int i = 0; i < n; ++i) {
      auto f = pool.submit([&ran, t = traced(alive)] {
        ++ran;
        return t;
      });
      spin(i % 30);
      if (i % 3 == 0) f.wait();
      if (i % 3 == 1) f = {};
    }
    pool.submit([] {}).get();
    while (ran < n) std::this_thread::yield();
  }
  CHECK(ran == n);
  CHECK(alive == 0);
}

TEST_CASE("the closure is destroyed before the future is ready") {
  const int n = testing::rounds(2000);
  weir::cpu_pool pool({.threads = 2});
  for (int i = 0; i < n; ++i) {
    auto held = std::make_shared<int>(i);
    pool.submit([held] {}).get();
    REQUIRE(held.use_count() == 1);
  }
}

TEST_CASE("a failure that nobody asks for is dropped") {
  weir::cpu_pool pool({.threads = 1});
  pool.submit([] { throw std::runtime_error("unseen"); });
  CHECK(pool.submit([] { return 1; }).get() == 1);
}

TEST_CASE("cancel: a job that has not begun never runs, and its future throws actor_cancelled") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1, .bound = 2});
    stopper s(pool);
    bool ran = false;
    auto held = std::make_shared<int>(0);
    auto f = pool.submit([&ran, held] { ran = true; });
    CHECK(pool.stats().queued == 1);
    f.cancel();
    CHECK(f.ready());
    CHECK(held.use_count() == 1);
    CHECK(pool.stats().queued == 0);
    CHECK_THROWS_WITH(f.get(), Catch::Contains("cpu_pool_test.cc"));
    s.open();
    CHECK_FALSE(ran);
  });
}

TEST_CASE("cancel against the start of jobs: each ran and gave its value, or never runs") {
  const int n = testing::rounds(10'000);
  std::atomic<int> runs{0};
  int values = 0, cancelled = 0;
  weir::cpu_pool pool({.threads = 2});
  for (int i = 0; i < n; ++i) {
    auto f = pool.submit([&] { return ++runs; });
    spin(i % 60 * 20);
    f.cancel();
    try {
      f.get();
      ++values;
    } catch (const weir::actor_cancelled&) {
      ++cancelled;
    }
    REQUIRE(runs == values);
  }
  CHECK(values + cancelled == n);
}

TEST_CASE("cancel trips the token of a job that takes one, and it gives its value") {
  weir::cpu_pool pool({.threads = 1});
  std::atomic<bool> inside{false};
  auto f = pool.submit([&](std::stop_token stop) {
    inside = true;
    while (!stop.stop_requested()) std::this_thread::yield();
    return 2;
  });
  while (!inside) std::this_thread::yield();
  f.cancel();
  CHECK(f.get() == 2);
}

TEST_CASE("a cancel of who waits for a future leaves the job alone; while unwinding, get waits on") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1});
    stopper s(pool);
    auto f = pool.submit([] { return 1; });
    int seen = 0;
    struct gets {
      ~gets() { *seen = f->get(); }
      weir::future<int>* f;
      int* seen;
    };
    auto a = weir::spawn([&] {
      const gets at_end{&f, &seen};
      f.wait();
    });
    weir::this_actor::sleep(1ms);
    a.cancel();
    CHECK_FALSE(a.wait(2ms));
    s.open();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK(seen == 1);
  });
}

TEST_CASE("when the pool ends, what has not begun never runs, and futures outlive it") {
  const int n = testing::rounds(500);
  for (int i = 0; i < n; ++i) {
    std::atomic<int> runs{0};
    std::vector<weir::future<int>> all;
    {
      weir::cpu_pool pool({.threads = 1 + i % 2});
      for (int k = 0; k < 20; ++k) all.push_back(pool.submit([&] { return ++runs; }));
      spin(i % 10 * 100);
    }
    int values = 0;
    for (auto& f : all) {
      REQUIRE(f.ready());
      f.cancel();  // over already
      try {
        f.get();
        ++values;
      } catch (const weir::actor_cancelled&) {
      }
    }
    REQUIRE(values == runs);
  }
}

TEST_CASE("submit on a plain thread without a pool, and options out of range, are misuse") {
  CHECK_THROWS_WITH(weir::submit([] {}), Catch::StartsWith("submit: the pool of a runtime needs a running actor"));
  CHECK_THROWS_AS(weir::cpu_pool({.threads = 0}), weir::misuse);
  CHECK_THROWS_AS(weir::cpu_pool({.threads = 1025}), weir::misuse);
  CHECK_THROWS_AS(weir::cpu_pool({.bound = 0}), weir::misuse);
}

TEST_CASE("child: a pool that ends in its own job", "[.child]") {
  auto* const pool = new weir::cpu_pool({.threads = 1});
  pool->submit([=] { delete pool; }).get();
}

TEST_CASE("a pool that ends inside one of its own jobs is misuse") {
  const auto end = testing::run_child("child: a pool that ends in its own job");
  CHECK(end.signal == SIGABRT);
  CHECK_THAT(end.output, Catch::Contains("~cpu_pool: a pool cannot end inside one of its own jobs"));
}

TEST_CASE("child: a pool of the parent", "[.child]") {
  weir::cpu_pool pool({.threads = 1});
  auto f = pool.submit([] { return 1; });
  f.wait();
  const auto refused = [](auto use) {
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      try {
        use();
      } catch (const weir::misuse& e) {
        std::printf("misuse: %s\n", e.what());
        std::fflush(stdout);
        _exit(3);
      }
      _exit(0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) != pid) {
    }
    std::printf("child: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    std::fflush(stdout);
  };
  std::fflush(nullptr);
  refused([&] { pool.submit([] {}); });
  refused([&] { pool.try_submit([] {}); });
  refused([&] { f.get(); });
  refused([&] { pool.~cpu_pool(); });
  std::printf("the parent goes on: %d\n", f.get());
}

TEST_CASE("in a forked child every use of the parent's pool and futures is refused") {
  const auto end = testing::run_child("child: a pool of the parent");
  CHECK(end.exit_status == 0);
  for (const char* call : {"submit", "try_submit", "get", "~cpu_pool"})
    CHECK_THAT(end.output, Catch::Contains(std::string(call) +
                                           ": what weir made before fork() works only in the process that made it"));
  CHECK_THAT(end.output, Catch::Contains("child: 3\n") && Catch::Contains("child: " + std::to_string(SIGABRT) + "\n") &&
                             !Catch::Contains("child: 0\n") &&
                             !Catch::Contains("child: " + std::to_string(SIGALRM) + "\n"));
  CHECK_THAT(end.output, Catch::Contains("the parent goes on: 1"));
}
