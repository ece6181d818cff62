#include "weir/runtime/actor_local.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "tests/testing.h"
#include "weir/runtime/gather.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::in_actor;
using testing::rounds;

namespace {

weir::actor_local<std::string> request("none");
weir::actor_local<int> depth;

}  // namespace

TEST_CASE("an actor-local has its initial value until it is set, and then the actor's own") {
  in_actor([] {
    CHECK(request.get() == "none");
    CHECK(*depth == 0);
    request.set("r1");
    CHECK(request->size() == 2);
    weir::this_actor::yield();
    CHECK(*request == "r1");
    CHECK(*depth == 0);
    depth.set(3);
    CHECK(*request == "r1");
    CHECK(*depth == 3);
  });
}

TEST_CASE("children inherit their parent's value at spawn, and neither sees what the other sets afterwards") {
  in_actor([] {
    request.set("parent");
    weir::with_scope([&](weir::scope& s) {
      std::atomic<int> step{0};
      auto child = s.spawn([&] {
        testing::eventually([&] { return step == 1; });
        EXPECT(*request == "parent");
        request.set("child");
        step = 2;
        auto grandchild = weir::spawn([] { return *request; });  // of another scope, and still a child
        EXPECT(grandchild.join() == "child");
      });
      request.set("changed");
      step = 1;
      child.join();
      CHECK(*request == "changed");
    });
    const auto [a, b] = weir::gather([] { return *request; }, [] { return std::string(*request + "!"); });
    CHECK(a == "changed");
    CHECK(b == "changed!");
  });
}

TEST_CASE("plain threads have values too, and actors that they spawn inherit them") {
  CHECK(*request == "none");
  request.set("thread");
  weir::runtime r({.workers = testing::workers()});
  CHECK(r.run([] { return *request; }) == "thread");
  std::thread([] { CHECK(*request == "none"); }).join();
  request.set("none");
}

TEST_CASE("a value is destroyed with the last actor that has it, on an actor's stack: its destructor may park") {
  static std::atomic<int> alive{0};
  struct parks_at_end {
    parks_at_end() { ++alive; }
    parks_at_end(parks_at_end&&) noexcept { ++alive; }
    ~parks_at_end() {
      if (weir::this_actor::id() != 0) weir::this_actor::yield();
      --alive;
    }
  };
  const int before = alive;
  weir::actor_local<std::unique_ptr<parks_at_end>> local;
  in_actor([&] {
    for (int i = 0; i < rounds(200); ++i) {
      weir::with_scope([&](weir::scope& s) {
        s.spawn([&] {
          local.set(std::make_unique<parks_at_end>());
          for (int k = 0; k < 3; ++k)
            s.spawn([&] {
              EXPECT(local.get() != nullptr);
              weir::this_actor::yield();
            });
          local.set(std::make_unique<parks_at_end>());
        });
      });
      REQUIRE(alive == before);
    }
    CHECK(local.get() == nullptr);
  });
}

TEST_CASE("a new actor-local at an old one's address does not see its values") {
  in_actor([] {
    std::optional<weir::actor_local<int>> local;
    local.emplace(1);
    local->set(5);
    CHECK(**local == 5);
    local.emplace(2);
    CHECK(**local == 2);
  });
}

TEST_CASE("values that many actors share and set at once stay their own") {
  in_actor([] {
    for (int i = 0; i < rounds(200); ++i) {
      depth.set(i);
      weir::with_scope([&](weir::scope& s) {
        for (int k = 0; k < 6; ++k)
          s.spawn([&s, i, k] {
            EXPECT(*depth == i);
            depth.set(100'000 + k);
            s.spawn([k] { EXPECT(*depth == 100'000 + k); });
            weir::this_actor::yield();
            EXPECT(*depth == 100'000 + k);
          });
      });
      REQUIRE(*depth == i);
    }
  });
}
