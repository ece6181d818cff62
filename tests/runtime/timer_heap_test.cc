#include "weir/runtime/internal/timer_heap.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <vector>

#include "tests/testing.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using namespace weir::internal;
using testing::in_actor;
using testing::rounds;

namespace {

// A parker that is only claimed and woken.
class dummy final : public parker {
 public:
  dummy() : parker([](parker*) noexcept {}) {}
  int order = -1;

 private:
  void stop(const wait_reason&, weir::deadline) override {}
  void stop_holding(const wait_reason&, lock_key, interruptible) override {}
};

}  // namespace

TEST_CASE("the heap gives timers back in order of their time, whatever was inserted and removed") {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    timer_heap heap;
    const int n = 300;
    std::vector<std::unique_ptr<dummy>> owners;
    std::vector<timer_node> nodes(n);
    std::vector<time_point> at(n);
    std::vector<bool> in(n, true);
    for (int i = 0; i < n; ++i) {
      owners.push_back(std::make_unique<dummy>());
      at[static_cast<std::size_t>(i)] = time_point(std::chrono::milliseconds(random() % 100));
      auto& node = nodes[static_cast<std::size_t>(i)];
      node.owner = owners.back().get();
      node.epoch = owners.back()->begin_wait(interruptible::no).epoch;
      heap.insert(node, at[static_cast<std::size_t>(i)]);
    }
    for (int i = 0; i < n / 3; ++i) {
      const auto k = random() % n;
      heap.remove(nodes[k]);  // twice now and then
      in[k] = false;
    }
    for (int now = 0; now <= 100; now += 7) {
      const time_point limit{std::chrono::milliseconds(now)};
      std::size_t expected = 0;
      time_point next = time_point::max();
      for (std::size_t k = 0; k < n; ++k) {
        if (!in[k]) continue;
        if (at[k] <= limit) {
          ++expected;
          in[k] = false;
        } else {
          next = std::min(next, at[k]);
        }
      }
      REQUIRE(heap.expire(limit) == expected);
      REQUIRE(heap.next() == next);
    }
    heap.expire(time_point::max());
    REQUIRE(heap.next() == time_point::max());
  }
}

TEST_CASE("a timer whose owner was claimed by somebody else wakes nobody") {
  timer_heap heap;
  dummy owner;
  timer_node node;
  node.owner = &owner;
  node.epoch = owner.begin_wait(interruptible::no).epoch;
  heap.insert(node, time_point(1ms));
  REQUIRE(owner.word().try_claim(node.epoch, wake_cause::peer) == claim_result::won);
  CHECK(heap.expire(time_point(2ms)) == 0);
}

TEST_CASE("thousands of actors sleep at random and none wakes early") {
  in_actor([] {
    std::atomic<int> woken{0};
    const int n = std::min(rounds(3000), 30'000);  // all at once, with a stack each
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < n; ++i)
        s.spawn([&, i] {
          const weir::deadline until = std::chrono::microseconds(i * 7919 % 30'000);
          weir::this_actor::sleep(until);
          EXPECT(std::chrono::steady_clock::now() >= until.at());
          ++woken;
        });
    });
    CHECK(woken == n);
  });
}
