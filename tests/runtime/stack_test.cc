#include "weir/runtime/internal/stack.h"

#include <alloca.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <vector>

#include "tests/child.h"
#include "tests/testing.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/dump.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/this_actor.h"

using namespace weir::internal;

namespace {

// Not to be turned into a loop.
__attribute__((noinline)) int dig(int depth) {
  // ASan keeps elsewhere whatever has a constant size.
  auto* const hole = static_cast<volatile char*>(alloca(512 + static_cast<std::size_t>(depth % 2)));
  std::memset(const_cast<char*>(hole), depth, 512);
  return depth == 0 ? 0 : dig(depth - 1) + hole[depth % 512];
}

}  // namespace

TEST_CASE("each stack class can be used to most of its depth") {
  for (std::size_t size = stack_size::least; size <= (std::size_t{1} << 20); size *= 4)
    weir::run([size] {
      auto a = weir::spawn("deep",
                           [size] {
                             std::vector<char> touched;
                             volatile char* here = reinterpret_cast<volatile char*>(__builtin_frame_address(0));
                             for (std::size_t down = 0; down < size / 2; down += 512)
                               here[-static_cast<long>(down) - 256] = 1;
                             return true;
                           },
                           {.stack = size});
      CHECK(a.join());
    });
}

TEST_CASE("child: overflow", "[.child]") {
  weir::run([] {
    auto a = weir::spawn("parser", [] { (void)dig(100'000'000); }, {.stack = 64 << 10});
    a.join();
  });
}

// Goes down until frames lie in the page below the stack, and comes back. Their return addresses are what is found:
// ASan may keep the locals elsewhere.
__attribute__((noinline)) int dig_out_of(const char* bottom) {
  volatile char hole[64];
  hole[0] = 1;
  if (static_cast<const char*>(__builtin_frame_address(0)) < bottom - 300) return hole[0];
  return dig_out_of(bottom) + hole[0];
}

TEST_CASE("child: overflow of an unguarded stack", "[.child]") {
  weir::run([] {
    auto a = weir::spawn("parser",
                         [] {
                           (void)dig_out_of(current_actor()->stack()->bottom());
                           std::puts("not seen yet");
                           std::fflush(stdout);
                           weir::this_actor::sleep(weir::deadline::never());
                         },
                         {.stack = 64 << 10});
    a.join();
  });
}

TEST_CASE("child: overflow of an unguarded stack without a park", "[.child]") {
  weir::run([] {
    weir::spawn("parser", [] { (void)dig_out_of(current_actor()->stack()->bottom()); }, {.stack = 64 << 10}).join();
  });
}

TEST_CASE("a stack overflow names the actor, its stack, its spawn place and the remedy, then aborts") {
  for (const char* rung : {"WEIR_STACK_GUARD=madvise", "WEIR_STACK_GUARD=mprotect"}) {
    INFO(rung);
    const auto end = testing::run_child("child: overflow", rung);
#if defined(WEIR_ASAN)
    CHECK(end.exit_status != 0);  // ASan itself reports it, in its own words or ours
#else
    CHECK(end.signal == SIGABRT);
    CHECK_THAT(end.output, Catch::Contains("stack overflow in actor \"parser\" (#2)") &&
                               Catch::Contains("KiB used up, spawned at stack_test.cc:") &&
                               Catch::Contains("Raise it: spawn(name, f, {.stack = "));
#endif
  }
}

TEST_CASE("an overflow of an unguarded stack is found at the next park and at the end, in the same words") {
  for (const char* child :
       {"child: overflow of an unguarded stack", "child: overflow of an unguarded stack without a park"}) {
    INFO(child);
    const auto end = testing::run_child(child, "WEIR_STACK_GUARD=canary");
    CHECK(end.signal == SIGABRT);
    CHECK_THAT(end.output, Catch::Contains("stack overflow in actor \"parser\" (#2)") &&
                               Catch::Contains("KiB used up, spawned at stack_test.cc:"));
  }
}

TEST_CASE("child: dump", "[.child]") {
  try {
    weir::run([] { weir::dump_actors(STDOUT_FILENO); });
  } catch (const weir::misuse& e) {
    std::puts(e.what());
  }
}

TEST_CASE("the dump counts stacks without a guard page and has nothing to say if there is none") {
  CHECK_THAT(testing::run_child("child: dump", "WEIR_STACK_GUARD=canary").output,
             Catch::Contains("weir: 64 stacks have no guard page: an overflow is found late"));
  CHECK_THAT(testing::run_child("child: dump", "WEIR_STACK_GUARD=mprotect").output,
             !Catch::Contains("guard") && Catch::Contains("STACK  SPAWNED AT"));
}

TEST_CASE("a rung that does not exist is refused with the list of those that do") {
  CHECK_THAT(
      testing::run_child("child: dump", "WEIR_STACK_GUARD=none").output,
      Catch::Contains("runtime: the environment's WEIR_STACK_GUARD must be \"madvise\", \"mprotect\", \"canary\" "
                      "or unset, got \"none\""));
}

TEST_CASE("an actor and its handle tell how much of the stack was ever used") {
  CHECK(weir::this_actor::stack_used() == 0);
  testing::in_actor([] {
    const auto deep = [] {
      const std::size_t before = weir::this_actor::stack_used();
      (void)dig(300);
      EXPECT(weir::this_actor::stack_used() >= before + 300 * 512 - 4096);
      return weir::this_actor::stack_used();
    };
    auto a = weir::spawn("deep", deep);
    const std::size_t used = a.join();
    EXPECT(used >= 300 * 512);
    EXPECT(used <= (std::size_t{256} << 10) * stack_scale);
    EXPECT(a.stack_used() >= used);  // after the end too
  });
}

#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN) && defined(__OPTIMIZE__)  // whose frames are larger
TEST_CASE("a small actor that parks uses one page with its control block in it, at a place of its own") {
  testing::in_actor(
      [] {
        std::vector<weir::actor<void>> actors;
        int started = 0;
        std::set<std::uintptr_t> places;
        for (int i = 0; i < 100; ++i)
          actors.push_back(weir::spawn("small", [&] {
            ++started;
            places.insert(reinterpret_cast<std::uintptr_t>(current_actor()) % page_size());
            weir::this_actor::sleep(weir::deadline::never());
          }));
        testing::eventually([&] { return started == 100; });
        for (auto& a : actors) EXPECT(a.stack_used() == page_size());
        EXPECT(places.size() >= 16);
      },
      1);
}
#endif

#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN)  // their shadow memory needs all of the address space
TEST_CASE("child: no memory for a stack", "[.child]") {
  weir::run([] {
    rlimit limit{std::size_t{1} << 30, std::size_t{1} << 30};
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    std::vector<weir::actor<void>> many;
    bool refused = false;
    try {
      for (int i = 0; i < 100'000; ++i)
        many.push_back(
            weir::spawn("one of many", [] { weir::this_actor::sleep(weir::deadline::never()); }, {.stack = 1 << 20}));
    } catch (const weir::no_memory& e) {
      refused = true;
      std::puts(e.what());
    }
    REQUIRE(refused);
    // Their stacks are free again. A worker keeps up to 128 of them to itself, and the next spawn may be on another.
    REQUIRE(many.size() > 400);
    many.erase(many.end() - 400, many.end());
    auto next = weir::spawn("next", [] { return 1; }, {.stack = 1 << 20});
    REQUIRE(next.join() == 1);
  });
}

TEST_CASE("without memory for a stack spawn throws, and nothing else is harmed") {
  const auto end = testing::run_child("child: no memory for a stack");
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("spawn: cannot map a stack of 1024 KiB: Cannot allocate memory."));
}
#endif
