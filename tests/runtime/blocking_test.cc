#include "weir/runtime/blocking.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

namespace {

// A door that a blocking call can wait behind.
class door {
 public:
  void open() {
    std::lock_guard guard(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock guard(mutex_);
    ++inside_;
    changed_.wait(guard, [this] { return open_; });
  }
  int inside() {
    std::lock_guard guard(mutex_);
    return inside_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
};

}  // namespace

TEST_CASE("blocking returns what the call returned, or throws what it threw") {
  in_actor([] {
    CHECK(weir::blocking([] { return 5; }) == 5);
    CHECK(*weir::blocking([] { return std::make_unique<int>(6); }) == 6);
    weir::blocking([] {});
    CHECK_THROWS_WITH(weir::blocking([]() -> int { throw std::runtime_error("disk"); }), "disk");
  });
}

TEST_CASE("the call runs off the workers: with one worker others go on") {
  in_actor(
      [] {
        door d;
        const auto here = std::this_thread::get_id();
        std::thread::id there;
        auto a = weir::spawn("waits", [&] {
          weir::blocking([&] {
            there = std::this_thread::get_id();
            d.pass();
          });
        });
        eventually([&] { return d.inside() == 1; });  // we run while the call waits
        d.open();
        a.join();
        CHECK(there != here);
      },
      1);
}

TEST_CASE("a cancel before the call began ends the wait, and it never runs; one that runs is waited for") {
  weir::runtime r({.workers = testing::workers(), .blocking_threads = 1});
  r.run([] {
    door d;
    std::atomic<bool> second_ran{false};
    bool first_finished = false;
    auto first = weir::spawn("first", [&] {
      weir::blocking([&] { d.pass(); });
      first_finished = true;
      weir::this_actor::yield();  // the cancel arrives here
    });
    eventually([&] { return d.inside() == 1; });
    auto second = weir::spawn("second", [&] { weir::blocking([&] { second_ran = true; }); });
    weir::this_actor::sleep(1ms);
    second.cancel();
    CHECK_THROWS_AS(second.join(), weir::actor_cancelled);
    CHECK_FALSE(second_ran);
    first.cancel();
    CHECK_FALSE(first.wait(2ms));
    d.open();
    CHECK_THROWS_AS(first.join(), weir::actor_cancelled);
    CHECK(first_finished);
  });
}

TEST_CASE("more calls than threads wait in line and all are done") {
  weir::runtime r({.workers = testing::workers(), .blocking_threads = 3});
  r.run([] {
    std::atomic<int> done{0}, at_once{0}, most{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 200; ++i)
        s.spawn([&] {
          weir::blocking([&] {
            const int n = ++at_once;
            for (int seen = most; n > seen && !most.compare_exchange_weak(seen, n);) {
            }
            std::this_thread::yield();
            --at_once;
            ++done;
          });
        });
    });
    CHECK(done == 200);
    CHECK(most <= 3);
  });
}

TEST_CASE("on a plain thread the call simply runs") {
  CHECK(weir::blocking([] { return 1; }) == 1);
}
